import { describe, expect, test } from "@jest/globals";
import type { LimiterOptions, RateLimiter, Turn, TurnRequest, UnusedTurn } from "../limiter.ts";
import { defaultSenderBurstMs } from "../limiter.ts";

/** A clock that only the test moves; ms. */
export interface TestClock {
  now: number;
}

export type CreateLimiter = (options: LimiterOptions, clock: TestClock) => RateLimiter;

const startAt = Date.parse("2026-03-01T12:00:00Z");
const hourMs = 3_600_000;

/** Faster than any test asks. */
const unhurried = 1_000_000;

/** What every limiter promises, on a clock that is passed in. */
export function describeLimiter(name: string, create: CreateLimiter): void {
  function setUp(options: Partial<LimiterOptions> = {}) {
    const clock: TestClock = { now: startAt };
    const limiter = create({ recipientLimit: { max: 50, windowMs: hourMs }, ...options }, clock);
    const ask = (request: Partial<TurnRequest> = {}) =>
      limiter.acquire({ senderId: "s1", messagesPerSecond: unhurried, recipientHash: "r1", ...request });
    /** The turn, but for the name of its grant. */
    const acquire = async (request: Partial<TurnRequest> = {}) => {
      const turn = await ask(request);
      return turn.granted ? { granted: turn.granted, waitMs: turn.waitMs } : turn;
    };
    /** A turn that is granted, and can be given back. */
    const granted = async (request: Partial<TurnRequest> = {}) => {
      const turn = await ask(request);
      if (!turn.granted) throw new Error(`refused by the limit of the ${turn.limitedBy}`);
      return { recipientHash: "r1", ...request, grantedAt: turn.grantedAt };
    };
    return { clock, acquire, granted, release: (turn: UnusedTurn) => limiter.release(turn) };
  }

  describe(`${name}: a recipient`, () => {
    test("gets at most so many messages in any window, and the wait is exact", async () => {
      const { clock, acquire } = setUp({ recipientLimit: { max: 3, windowMs: 10_000 } });
      for (const at of [0, 1_000, 4_000]) {
        clock.now = startAt + at;
        expect(await acquire()).toEqual({ granted: true, waitMs: 0 });
      }
      clock.now = startAt + 5_000;
      expect(await acquire()).toEqual({ granted: false, waitMs: 5_000, limitedBy: "recipient" });
      clock.now = startAt + 9_999;
      expect(await acquire()).toEqual({ granted: false, waitMs: 1, limitedBy: "recipient" });
      clock.now = startAt + 10_000;
      expect(await acquire()).toEqual({ granted: true, waitMs: 0 });
      expect(await acquire()).toEqual({ granted: false, waitMs: 1_000, limitedBy: "recipient" });
    });

    test("does not wait for another one", async () => {
      const { acquire } = setUp({ recipientLimit: { max: 1, windowMs: hourMs } });
      await acquire({ recipientHash: "r1" });
      expect(await acquire({ recipientHash: "r1" })).toMatchObject({ granted: false });
      expect(await acquire({ recipientHash: "r2" })).toEqual({ granted: true, waitMs: 0 });
    });

    test("has one limit for all senders", async () => {
      const { acquire } = setUp({ recipientLimit: { max: 1, windowMs: hourMs } });
      await acquire({ senderId: "s1" });
      expect(await acquire({ senderId: "s2" })).toMatchObject({ granted: false, limitedBy: "recipient" });
    });

    test("gets no more when many ask at the same time", async () => {
      const { acquire } = setUp();
      const turns = await Promise.all(Array.from({ length: 200 }, () => acquire()));
      expect(turns.filter((turn) => turn.granted)).toHaveLength(50);
    });

    test("gets no more when the clock is set back", async () => {
      const { clock, acquire } = setUp({ recipientLimit: { max: 2, windowMs: 10_000 } });
      await acquire();
      clock.now -= 60_000;
      expect(await acquire({ senderId: "s2" })).toEqual({ granted: true, waitMs: 0 });
      clock.now = startAt + 9_000;
      expect(await acquire()).toEqual({ granted: false, waitMs: 1_000, limitedBy: "recipient" });
    });

    test.each([1, 2, 3])("keeps to the limit whatever the schedule (%i)", async (seed) => {
      const random = seeded(seed);
      const recipientLimit = { max: 1 + Math.floor(random() * 6), windowMs: 1_000 };
      const { clock, acquire } = setUp({ recipientLimit });
      const grants: number[] = [];
      for (let step = 0; step < 400; step += 1) {
        clock.now += random() * random() * 400; // fractions of a millisecond included
        const turn = await acquire();
        if (turn.granted) grants.push(clock.now);
        else if (random() < 0.3) {
          clock.now += turn.waitMs;
          expect(await acquire()).toEqual({ granted: true, waitMs: 0 });
          grants.push(clock.now);
        }
      }
      expect(grants.length).toBeGreaterThan(recipientLimit.max);
      expect(mostInAnyWindow(grants, recipientLimit.windowMs)).toBe(recipientLimit.max);
    });
  });

  describe(`${name}: a sender`, () => {
    const recipientLimit = { max: 1_000_000, windowMs: 1 };

    test.each([1, 10, 80, 300, 400])("at %i a second sends exactly that many", async (messagesPerSecond) => {
      const { clock, acquire } = setUp({ recipientLimit });
      const seconds = messagesPerSecond < 100 ? 20 : 3;
      const grants = await saturate(clock, seconds * 1_000, () => acquire({ messagesPerSecond }));
      const burst = Math.max(1, (messagesPerSecond * defaultSenderBurstMs) / 1_000);
      expect(grants).toBeGreaterThan(messagesPerSecond * seconds - 1);
      expect(grants).toBeLessThanOrEqual(messagesPerSecond * seconds + burst);
    });

    test("that was idle sends a tenth of a second's worth at once", async () => {
      const { acquire } = setUp({ recipientLimit });
      const turns = [];
      for (let n = 0; n < 9; n += 1) turns.push(await acquire({ messagesPerSecond: 80 }));
      expect(turns.filter((turn) => turn.granted)).toHaveLength(8);
      expect(turns.at(-1)).toEqual({ granted: false, waitMs: 13, limitedBy: "sender" });
    });

    test("gives those who may wait one turn each, evenly spaced, and refuses who would wait too long", async () => {
      const { clock, acquire } = setUp({ recipientLimit });
      const ask = () => acquire({ messagesPerSecond: 2, maxWaitMs: 2_000 });
      const turns = [await ask(), await ask(), await ask(), await ask(), await ask(), await ask()];
      expect(turns.map(({ waitMs }) => waitMs)).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500]);
      expect(turns.map(({ granted }) => granted)).toEqual([true, true, true, true, true, false]);
      clock.now += 500;
      expect(await ask()).toEqual({ granted: true, waitMs: 2_000 });
    });

    test("reserves no turn for a recipient that must wait longer than it", async () => {
      const { acquire } = setUp({ recipientLimit: { max: 1, windowMs: 800 } });
      await acquire({ messagesPerSecond: 2 });
      expect(await acquire({ messagesPerSecond: 2, maxWaitMs: 2_000 })).toMatchObject({ limitedBy: "recipient" });
      expect(await acquire({ messagesPerSecond: 2, maxWaitMs: 2_000, recipientHash: "r2" })).toEqual({
        granted: true,
        waitMs: 500,
      });
    });

    test("counts a reserved turn against its recipient at the time it comes", async () => {
      const { clock, acquire } = setUp({ recipientLimit: { max: 1, windowMs: 2_000 } });
      await acquire({ messagesPerSecond: 1, recipientHash: "other" });
      expect(await acquire({ messagesPerSecond: 1, maxWaitMs: 2_000 })).toEqual({ granted: true, waitMs: 1_000 });
      clock.now += 2_500;
      expect(await acquire()).toEqual({ granted: false, waitMs: 500, limitedBy: "recipient" });
    });

    test("that is slow sends one at a time", async () => {
      const { clock, acquire } = setUp({ recipientLimit });
      expect(await acquire({ messagesPerSecond: 2 })).toEqual({ granted: true, waitMs: 0 });
      expect(await acquire({ messagesPerSecond: 2 })).toEqual({ granted: false, waitMs: 500, limitedBy: "sender" });
      clock.now += 499;
      expect(await acquire({ messagesPerSecond: 2 })).toEqual({ granted: false, waitMs: 1, limitedBy: "sender" });
      clock.now += 1;
      expect(await acquire({ messagesPerSecond: 2 })).toEqual({ granted: true, waitMs: 0 });
    });

    test("does not slow another one down", async () => {
      const { acquire } = setUp({ recipientLimit });
      await acquire({ senderId: "s1", messagesPerSecond: 1 });
      expect(await acquire({ senderId: "s1", messagesPerSecond: 1 })).toMatchObject({ granted: false });
      expect(await acquire({ senderId: "s2", messagesPerSecond: 1 })).toEqual({ granted: true, waitMs: 0 });
    });

    test("is not held up when the clock is set back", async () => {
      const { clock, acquire } = setUp({ recipientLimit });
      await acquire({ messagesPerSecond: 2 });
      clock.now -= 60_000;
      expect(await acquire({ messagesPerSecond: 2 })).toEqual({ granted: false, waitMs: 500, limitedBy: "sender" });
    });

    test("is never faster than its pace and one burst", async () => {
      const random = seeded(7);
      const { clock, acquire } = setUp({ recipientLimit });
      const grants: number[] = [];
      for (let step = 0; step < 600; step += 1) {
        clock.now += random() < 0.05 ? 300 : random() * 8;
        if ((await acquire({ messagesPerSecond: 80 })).granted) grants.push(clock.now);
      }
      expect(mostInAnyWindow(grants, 1_000)).toBeLessThanOrEqual(88);
    });

    test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("cannot have the speed %d", async (messagesPerSecond) => {
      const { acquire } = setUp();
      await expect(acquire({ messagesPerSecond })).rejects.toThrow(RangeError);
    });
  });

  describe(`${name}: a turn that is given back`, () => {
    const recipientLimit = { max: 3, windowMs: 10_000 };

    test("is the recipient's again, whichever of its turns it was", async () => {
      for (const which of [0, 1, 2]) {
        const { clock, acquire, granted, release } = setUp({ recipientLimit });
        const turns = [];
        for (const at of [0, 1_000, 4_000]) {
          clock.now = startAt + at;
          turns.push(await granted());
        }
        clock.now = startAt + 5_000;
        await release(turns[which]!);
        expect(await acquire()).toEqual({ granted: true, waitMs: 0 });
        // The rest still count: the oldest of them leaves the window first.
        expect(await acquire()).toEqual({
          granted: false,
          waitMs: which === 0 ? 6_000 : 5_000,
          limitedBy: "recipient",
        });
      }
    });

    test("twice, or after it was forgotten, or of nobody, changes nothing", async () => {
      const { clock, acquire, granted, release } = setUp({ recipientLimit: { max: 2, windowMs: 10_000 } });
      const first = await granted();
      clock.now += 1_000;
      await granted();
      await release(first);
      await release(first);
      await release({ ...first, recipientHash: "nobody" });
      expect(await acquire()).toEqual({ granted: true, waitMs: 0 });
      expect(await acquire()).toMatchObject({ granted: false });
    });

    test("of the same millisecond as another is one turn", async () => {
      const { acquire, granted, release } = setUp({ recipientLimit: { max: 2, windowMs: 10_000 } });
      const turn = await granted();
      await granted();
      await release(turn);
      expect(await acquire()).toEqual({ granted: true, waitMs: 0 });
      expect(await acquire()).toMatchObject({ granted: false });
    });

    test("that was reserved ahead is given back, too", async () => {
      const { acquire, granted, release } = setUp({ recipientLimit: { max: 1, windowMs: 2_000 } });
      await granted({ messagesPerSecond: 1, recipientHash: "other" });
      await release(await granted({ messagesPerSecond: 1, maxWaitMs: 2_000 }));
      expect(await acquire({ senderId: "s2" })).toEqual({ granted: true, waitMs: 0 });
    });

    test("is not the sender's again: its time has passed", async () => {
      const { acquire, granted, release } = setUp();
      await release(await granted({ messagesPerSecond: 1 }));
      expect(await acquire({ messagesPerSecond: 1 })).toEqual({ granted: false, waitMs: 1_000, limitedBy: "sender" });
    });

    test.each([4, 5])("never lets more of those that were used into any window (%i)", async (seed) => {
      const random = seeded(seed);
      const { clock, granted, release } = setUp({ recipientLimit: { max: 4, windowMs: 1_000 } });
      const used: number[] = [];
      for (let step = 0; step < 500; step += 1) {
        clock.now += random() * random() * 300;
        const turn = await granted().catch(() => undefined);
        if (turn === undefined) continue;
        if (random() < 0.5) await release(turn);
        else used.push(clock.now);
      }
      expect(mostInAnyWindow(used, 1_000)).toBe(4);
    });
  });

  describe(`${name}: a refusal`, () => {
    test("by the recipient's limit costs the sender nothing", async () => {
      const { clock, acquire } = setUp({ recipientLimit: { max: 1, windowMs: hourMs } });
      await acquire({ recipientHash: "full" });
      clock.now += 10_000;
      for (let n = 0; n < 20; n += 1) await acquire({ recipientHash: "full", messagesPerSecond: 1 });
      expect(await acquire({ recipientHash: "other", messagesPerSecond: 1 })).toEqual({ granted: true, waitMs: 0 });
    });

    test("by the sender's limit costs the recipient nothing", async () => {
      const { clock, acquire } = setUp({ recipientLimit: { max: 2, windowMs: hourMs } });
      await acquire({ messagesPerSecond: 1 });
      for (let n = 0; n < 20; n += 1) await acquire({ messagesPerSecond: 1 });
      clock.now += 1_000;
      expect(await acquire({ messagesPerSecond: 1 })).toEqual({ granted: true, waitMs: 0 });
    });

    test("names the limit that takes longest", async () => {
      const { acquire } = setUp({ recipientLimit: { max: 1, windowMs: 2_000 } });
      await acquire({ messagesPerSecond: 1 });
      expect(await acquire({ messagesPerSecond: 1 })).toEqual({
        granted: false,
        waitMs: 2_000,
        limitedBy: "recipient",
      });
      const hurried = setUp({ recipientLimit: { max: 1, windowMs: 500 } });
      await hurried.acquire({ messagesPerSecond: 1 });
      expect(await hurried.acquire({ messagesPerSecond: 1 })).toEqual({
        granted: false,
        waitMs: 1_000,
        limitedBy: "sender",
      });
    });
  });
}

/** Asks without a pause for this long, waiting exactly as told. */
async function saturate(
  clock: TestClock,
  forMs: number,
  acquire: () => Promise<Pick<Turn, "granted" | "waitMs">>,
): Promise<number> {
  const end = clock.now + forMs;
  let grants = 0;
  while (clock.now < end) {
    const turn = await acquire();
    if (turn.granted) grants += 1;
    else clock.now += turn.waitMs;
  }
  return grants;
}

function mostInAnyWindow(times: readonly number[], windowMs: number): number {
  return Math.max(...times.map((start) => times.filter((time) => time >= start && time < start + windowMs).length));
}

/** Random numbers in [0, 1) that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
