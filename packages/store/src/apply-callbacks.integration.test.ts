import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { EventSource, MessageStatus } from "@wahub/proto";
import type { Claim } from "./claim-messages.ts";
import { applyCallbacks, type StatusCallback } from "./apply-callbacks.ts";
import { foldCounts } from "./fold-counts.ts";
import { readMessage, readTimeline } from "./read-message.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  sampleSender,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const { SENDING, SUBMITTED, SENT, CANCELED, UNDELIVERED, FAILED, DELIVERED, READ, ACCEPTED } = MessageStatus;

const start = new Date("2026-03-02T12:00:00Z");
const at = (seconds: number): Date => new Date(start.getTime() + seconds * 1000);
const parkUntil = at(7 * 86_400);
const sid = (n: number): string => `SM${n.toString(16).padStart(32, "0")}`;

/** A batch whose messages are being sent; the claims are in the order of its messages. */
interface ClaimedBatch extends SampleBatch {
  readonly claims: readonly Claim[];
}

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ now: start });
});
afterAll(() => db.drop());

/** A callback for the n-th message of a batch. */
function callback(batch: ClaimedBatch, n: number, fields: Partial<StatusCallback>): StatusCallback {
  return {
    accountSid: sampleSender.accountSid,
    messageSid: sid(n + 1),
    messageId: batch.messageIds[n]!,
    attempt: 1,
    status: SENT,
    errorCode: 0,
    errorMessage: "",
    receivedAt: at(1),
    detail: {},
    ...fields,
  };
}

const apply = (...callbacks: StatusCallback[]) => applyCallbacks(db.store.pool, callbacks, parkUntil);
const message = async (batch: ClaimedBatch, n = 0) =>
  (await readMessage(db.store.pool, batch.tenantId, batch.messageIds[n]!))!;
const timeline = (batch: ClaimedBatch, n = 0) => readTimeline(db.store.pool, batch.tenantId, batch.messageIds[n]!);

async function claimed(recipients: number): Promise<ClaimedBatch> {
  const batch = await storeSampleBatch(db.store, { createdAt: start, recipients });
  const claims = await claimAll(db.store, batch, start);
  const ofMessage = new Map(claims.map((claim) => [claim.messageId, claim]));
  return { ...batch, claims: batch.messageIds.map((id) => ofMessage.get(id)!) };
}

/** The batch's counts, which agree with its rows. */
async function counts(batch: ClaimedBatch): Promise<Readonly<Record<string, number>>> {
  const { total, counted, stored } = await readBalance(db.store, batch.id);
  expect(counted).toEqual(stored);
  expect(Object.values(stored).reduce((sum, n) => sum + n, 0)).toBe(total);
  return stored;
}

async function parkedOf(twilioSid: string): Promise<Record<string, unknown>[]> {
  const { rows } = await db.store.pool.query<Record<string, unknown>>(
    `select message_id, attempt, status, account_sid, received_at, expires_at from orphan_callback where twilio_sid = $1`,
    [twilioSid],
  );
  return rows;
}

describe("callbacks", () => {
  test("raise the status, bind the SID, set the time, and are kept", async () => {
    const batch = await claimed(2);
    const fates = await apply(
      callback(batch, 0, { status: SENT, receivedAt: at(1) }),
      callback(batch, 1, { status: SUBMITTED, receivedAt: at(1) }),
      callback(batch, 0, { status: DELIVERED, receivedAt: at(2) }),
    );
    expect(fates).toEqual(["applied", "applied", "applied"]);
    expect(await message(batch)).toMatchObject({
      status: DELIVERED,
      twilioSid: sid(1),
      sentAt: at(1),
      deliveredAt: at(2),
      updatedAt: at(2),
    });
    expect(await message(batch, 1)).toMatchObject({ status: SUBMITTED, submittedAt: at(1), twilioSid: sid(2) });
    expect((await timeline(batch)).map((event) => [event.status, event.source])).toEqual([
      [SENDING, EventSource.HUB],
      [SENT, EventSource.CALLBACK],
      [DELIVERED, EventSource.CALLBACK],
    ]);
    expect(await counts(batch)).toEqual({ [`${SUBMITTED}`]: 1, [`${DELIVERED}`]: 1 });
  });

  test("that are repeated are known, in one call and in the next, and count once", async () => {
    const batch = await claimed(1);
    const sent = callback(batch, 0, { status: SENT });
    expect(await apply(sent, sent, { ...sent, receivedAt: at(5) })).toEqual(["applied", "repeated", "repeated"]);
    expect(await apply(sent)).toEqual(["repeated"]);
    expect(await timeline(batch)).toHaveLength(2);
    expect(await message(batch)).toMatchObject({ status: SENT, sentAt: at(1) });
    expect(await counts(batch)).toEqual({ [`${SENT}`]: 1 });
  });

  test("that come late undo nothing and still fill in their time", async () => {
    const batch = await claimed(1);
    await apply(callback(batch, 0, { status: READ, receivedAt: at(3) }));
    expect(await apply(callback(batch, 0, { status: SENT, receivedAt: at(4) }))).toEqual(["applied"]);
    expect(await message(batch)).toMatchObject({ status: READ, sentAt: at(4), deliveredAt: undefined, readAt: at(3) });
    expect(await counts(batch)).toEqual({ [`${READ}`]: 1 });
  });

  test("of a failure bring code and words; evidence of delivery outweighs them", async () => {
    const batch = await claimed(2);
    const failure = { status: FAILED, errorCode: 63016, errorMessage: "outside the window" } as const;
    await apply(callback(batch, 0, failure), callback(batch, 1, failure));
    expect(await message(batch)).toMatchObject({ ...failure, failedAt: at(1) });
    expect(await counts(batch)).toEqual({ [`${FAILED}/63016`]: 2 });
    await apply(callback(batch, 0, { status: DELIVERED, receivedAt: at(9) }));
    expect(await message(batch)).toMatchObject({ status: DELIVERED, errorCode: 0, errorMessage: "", failedAt: at(1) });
    expect(await counts(batch)).toEqual({ [`${FAILED}/63016`]: 1, [`${DELIVERED}`]: 1 });
  });

  test("of one status with different codes: the highest stands, whichever came first", async () => {
    const batch = await claimed(2);
    const lower = { status: UNDELIVERED, errorCode: 30008, errorMessage: "lower" } as const;
    const higher = { status: UNDELIVERED, errorCode: 63024, errorMessage: "higher" } as const;
    await apply(callback(batch, 0, lower), callback(batch, 1, higher));
    await apply(callback(batch, 0, higher), callback(batch, 1, lower));
    for (const n of [0, 1]) expect(await message(batch, n)).toMatchObject(higher);
    expect(await counts(batch)).toEqual({ [`${UNDELIVERED}/63024`]: 2 });
  });

  test("may be faster than the answer to the request, which then adds what it knows", async () => {
    const batch = await claimed(1);
    const [claim] = batch.claims;
    await apply(callback(batch, 0, { status: DELIVERED, receivedAt: at(2) }));
    const outcome = { ...claim!, result: { status: SUBMITTED, sid: sid(1) } } as const;
    expect(await recordOutcomes(db.store.pool, [outcome], at(3))).toEqual(["applied"]);
    expect(await message(batch)).toMatchObject({
      status: DELIVERED,
      twilioSid: sid(1),
      submittedAt: at(3),
      deliveredAt: at(2),
      errorCode: 0,
    });
    expect((await timeline(batch)).map((event) => event.status)).toEqual([SENDING, DELIVERED, SUBMITTED]);
    expect(await counts(batch)).toEqual({ [`${DELIVERED}`]: 1 });
  });

  test("outweigh an answer that never came: nothing is sent again", async () => {
    const batch = await claimed(1);
    await apply(callback(batch, 0, { status: SENT, receivedAt: at(2) }));
    const [claim] = batch.claims;
    const unknown = { ...claim!, result: { status: MessageStatus.UNKNOWN, errorMessage: "timeout" } } as const;
    expect(await recordOutcomes(db.store.pool, [unknown], at(3))).toEqual(["applied"]);
    expect(await message(batch)).toMatchObject({ status: SENT, twilioSid: sid(1), errorMessage: "" });
    expect(await counts(batch)).toEqual({ [`${SENT}`]: 1 });
  });

  test("without message and attempt in the URL are found by SID", async () => {
    const batch = await claimed(2);
    await recordOutcomes(
      db.store.pool,
      batch.claims.map((claim, n) => ({ ...claim, result: { status: SUBMITTED, sid: sid(0xabc0 + n) } })),
      at(1),
    );
    const bare = { messageId: undefined, attempt: undefined, status: DELIVERED, receivedAt: at(2) } as const;
    const fates = await apply(
      callback(batch, 0, { ...bare, messageSid: sid(0xabc0) }),
      callback(batch, 1, { ...bare, messageSid: sid(0xabc1) }),
    );
    expect(fates).toEqual(["applied", "applied"]);
    expect(await message(batch, 1)).toMatchObject({ status: DELIVERED, twilioSid: sid(0xabc1) });
  });

  test("prove that Twilio has a message that was about to be sent again", async () => {
    const batch = await claimed(1);
    const back = { status: ACCEPTED, nextAt: at(10), spendsTry: true, errorCode: 0, errorMessage: "reset" } as const;
    await recordOutcomes(db.store.pool, [{ ...batch.claims[0]!, result: back }], at(1));
    await apply(callback(batch, 0, { attempt: 1, status: SENT, receivedAt: at(2) }));
    expect(await message(batch)).toMatchObject({ status: SENT, twilioSid: sid(1) });
    expect((await claimAll(db.store, batch, at(10))).map((claim) => claim.messageId)).not.toContain(
      batch.messageIds[0],
    );
    expect(await counts(batch)).toEqual({ [`${SENT}`]: 1 });
  });
});

describe("callbacks of nobody", () => {
  test("are parked with all they say and change nothing", async () => {
    const batch = await claimed(1);
    const waiting = await storeSampleBatch(db.store, { createdAt: start, recipients: 1 });
    const neverSent = { messageId: waiting.messageIds[0]!, messageSid: sid(901) };
    const fates = await apply(
      callback(batch, 0, { messageId: "019cc000-0000-8000-8000-000000000001", messageSid: sid(900) }),
      callback(batch, 0, neverSent),
      callback(batch, 0, { attempt: 2, messageSid: sid(902) }),
      callback(batch, 0, { accountSid: `AC${"f".repeat(32)}`, messageSid: sid(903) }),
      callback(batch, 0, { messageId: undefined, attempt: undefined, messageSid: sid(904) }),
    );
    expect(fates).toEqual(Array(5).fill("parked"));
    expect(await message(batch)).toMatchObject({ status: SENDING, twilioSid: undefined });
    expect(await counts(batch)).toEqual({ [`${SENDING}`]: 1 });
    for (const n of [900, 901, 902, 903, 904]) {
      expect(await parkedOf(sid(n))).toMatchObject([{ status: SENT, received_at: at(1), expires_at: parkUntil }]);
    }
    expect(await parkedOf(sid(901))).toMatchObject([{ message_id: neverSent.messageId, attempt: 1 }]);
  });

  test("do not keep their neighbours from being applied", async () => {
    const batch = await claimed(1);
    const stray = callback(batch, 0, { attempt: 5, messageSid: sid(960) });
    expect(await apply(stray, callback(batch, 0, { status: READ }), stray)).toEqual(["parked", "applied", "parked"]);
    expect((await message(batch)).status).toBe(READ);
  });
});

describe("any order, any repetition", () => {
  const rounds = 12;
  const messages = 6;

  /** What Twilio may say about a message, each with the time at which it arrives. */
  const stories = [
    [SUBMITTED, SENT, DELIVERED, READ],
    [SENT, READ],
    [SUBMITTED, SENT, UNDELIVERED, DELIVERED],
    [SENT, FAILED, UNDELIVERED, UNDELIVERED],
    [SUBMITTED, CANCELED],
    [SENT, DELIVERED, FAILED],
  ] as const;

  function callbacksOf(batch: ClaimedBatch, random: () => number): StatusCallback[] {
    return stories.flatMap((story, n) =>
      story.flatMap((status, step) => {
        const failed = status === FAILED || status === UNDELIVERED;
        const errorCode = failed ? 63_000 + step : 0;
        const once = callback(batch, n, { status, errorCode, errorMessage: failed ? `error ${errorCode}` : "" });
        // Each comes up to three times; when it came is part of it.
        return [0, 1, 2].flatMap((copy) =>
          copy === 0 || random() < 0.5
            ? [{ ...once, receivedAt: at(10 * step + copy + n), detail: { step, copy } }]
            : [],
        );
      }),
    );
  }

  async function finalState(batch: ClaimedBatch) {
    const rows = await db.store.pool.query<Record<string, unknown>>(
      `select status, error_code, error_message, twilio_sid, evidence, attempt, updated_at,
              submitted_at, sent_at, delivered_at, read_at, failed_at
       from message where batch_id = $1 order by recipient`,
      [batch.id],
    );
    const events = await db.store.pool.query<Record<string, unknown>>(
      `select m.recipient, e.attempt, e.status, e.twilio_sid, e.error_code, e.source, e.at, e.detail
       from message_event e join message m on m.id = e.message_id
       where m.batch_id = $1 order by m.recipient, e.status, e.error_code`,
      [batch.id],
    );
    return { messages: rows.rows, events: events.rows, counts: await counts(batch) };
  }

  test("of the same callbacks gives the same rows, the same history and the same counts", async () => {
    const expected: unknown[] = [];
    for (let round = 0; round < rounds; round++) {
      const random = seeded(round);
      const batch = await claimed(messages);
      const all = callbacksOf(batch, seeded(4711));
      const shuffled = round === 0 ? all : shuffle(all, random);
      // Some go together in one statement, and several statements run at once, as in many replicas.
      const groups: StatusCallback[][] = [];
      for (let i = 0; i < shuffled.length;) {
        const size = 1 + Math.floor(random() * 8);
        groups.push(shuffled.slice(i, i + size));
        i += size;
      }
      const applied: string[] = [];
      for (let i = 0; i < groups.length; i += 3) {
        const fates = await Promise.all(groups.slice(i, i + 3).map((group) => apply(...group)));
        applied.push(...fates.flat().filter((fate) => fate === "applied"));
      }
      await foldCounts(db.store.pool, { now: at(100), limit: 100_000 });
      expected.push({ ...(await finalState(batch)), news: applied.length });
    }
    for (const state of expected) expect(state).toEqual(expected[0]);
    expect(expected[0]).toMatchObject({ news: stories.flat().length });
  });
});

/** A small random number generator that always tells the same story (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed + 0x6d2b79f5;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
