import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { Redis } from "ioredis";
import type { DrainOptions } from "./drain.ts";
import { createSpool, type Spool } from "./spool.ts";

const url = new URL(process.env["TEST_REDIS_URL"] ?? "redis://127.0.0.1:6379");
/** Flushed by tests, so no other file may use it. */
url.pathname = "/9";

let redis: Redis;
let spool: Spool;
let prefix: string;

beforeAll(() => {
  redis = new Redis(url.href);
});
beforeEach(() => {
  prefix = `test-${randomUUID().slice(0, 8)}`;
  spool = newSpool();
});
afterAll(async () => {
  await redis.flushdb();
  redis.disconnect();
  await once(redis, "end");
});

const newSpool = (maxMb = 1, on = redis): Spool => createSpool({ redis: on, prefix, name: "outcomes", maxMb });
const bytes = (...texts: string[]): Uint8Array[] => texts.map((text) => Buffer.from(text));
const texts = (payloads: readonly Uint8Array[]): string[] => payloads.map((payload) => Buffer.from(payload).toString());
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `fact ${n}`);

/** One process that drains, and what it did. */
function drainer(handle: DrainOptions["handle"] = async () => {}, change: Partial<DrainOptions> = {}) {
  const handled: string[] = [];
  const failures: { setAside: boolean; error: unknown }[] = [];
  const options: DrainOptions = {
    consumer: randomUUID(),
    maxItems: 100,
    takeOverAfterMs: 60_000,
    maxTries: 3,
    handle: async (payloads) => {
      await handle(payloads);
      handled.push(...texts(payloads));
    },
    onFailure: ({ setAside, error }) => failures.push({ setAside, error }),
    ...change,
  };
  return { handled, failures, runOnce: (on = spool) => on.drain(options) };
}

const keys = (): Promise<string[]> => redis.keys(`${prefix}:*`);
const away = () => Promise.reject(new HubError("unavailable", "PostgreSQL is away"));

describe("facts", () => {
  test("are handed out in order, many at a time, and leave nothing behind in Redis", async () => {
    await spool.append(bytes("a", "b"));
    await spool.append([Uint8Array.of(0, 255, 13, 10)]);
    expect(await spool.isEmpty()).toBe(false);
    const seen: Uint8Array[] = [];
    const { runOnce } = drainer(async (payloads) => void seen.push(...payloads));
    expect(await runOnce()).toEqual({ handled: 3, again: false });
    expect(seen.map((payload) => Buffer.from(payload))).toEqual([
      Buffer.from("a"),
      Buffer.from("b"),
      Buffer.from([0, 255, 13, 10]),
    ]);
    expect(await spool.isEmpty()).toBe(true);
    expect(await keys()).toEqual([]);
    expect(await runOnce()).toEqual({ handled: 0, again: false });
  });

  test("lie under the name of their spool, with their number, size and age", async () => {
    expect(await spool.size()).toEqual({ entries: 0, aside: 0, bytes: 0, oldestAgeMs: 0 });
    await spool.append(bytes("x".repeat(1000)));
    await sleep(20);
    await spool.append(bytes("y"));
    expect((await keys()).toSorted()).toEqual([`${prefix}:{spool}:outcomes`, `${prefix}:{spool}:outcomes:bytes`]);
    const size = await spool.size();
    expect(size).toMatchObject({ entries: 2, aside: 0, bytes: 1001 + 2 * 128 });
    expect(size.oldestAgeMs).toBeGreaterThanOrEqual(19);
    expect(size.oldestAgeMs).toBeLessThan(10_000);
  });

  test("are not counted for less than they take", async () => {
    const before = await usedBytes();
    const payload = "p".repeat(150);
    for (let n = 0; n < 20; n += 1) await spool.append(bytes(...Array.from({ length: 100 }, () => payload)));
    expect(await usedBytes()).toBeLessThan(before + (await spool.size()).bytes);
  });

  test("that do not fit are refused as a whole, and nothing is trimmed for them", async () => {
    const small = newSpool(0.01);
    const payload = "p".repeat(1000);
    await small.append(bytes(...Array.from({ length: 9 }, () => payload)));
    const refused = small.append(bytes("small", payload));
    await expect(refused).rejects.toMatchObject({ kind: "unavailable", message: expect.stringContaining("full") });
    expect(await small.size()).toMatchObject({ entries: 9 });
    await drainer().runOnce(small);
    await small.append(bytes("small", payload));
  });

  test("none at all are no call to Redis", async () => {
    await createSpool({ redis: {} as Redis, prefix, name: "outcomes", maxMb: 1 }).append([]);
  });

  test("are gone with a flush, and those that drain do not mind", async () => {
    const { runOnce, handled } = drainer(away);
    await spool.append(bytes("lost"));
    await expect(runOnce()).rejects.toMatchObject({ kind: "unavailable" });
    await redis.flushdb();
    expect(await spool.isEmpty()).toBe(true);
    expect(await runOnce()).toEqual({ handled: 0, again: false });
    await spool.append(bytes("kept"));
    expect(await drainer().runOnce()).toMatchObject({ handled: 1 });
    expect(handled).toEqual([]);
  });

  test("are handed out although somebody has deleted the group", async () => {
    await spool.append(bytes("a"));
    await redis.xgroup("DESTROY", `${prefix}:{spool}:outcomes`, "drain");
    const { runOnce, handled } = drainer();
    await runOnce();
    await runOnce();
    expect(handled).toEqual(["a"]);
  });
});

async function usedBytes(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
}

describe("while nobody can take them", () => {
  test("facts stay in the hands that have them, count as there, and are handled when that is possible", async () => {
    await spool.append(bytes("a", "b"));
    let isAway = true;
    const { runOnce, handled } = drainer(() => (isAway ? away() : Promise.resolve()));
    await expect(runOnce()).rejects.toMatchObject({ message: "PostgreSQL is away" });
    await spool.append(bytes("c"));
    const other = drainer();
    await other.runOnce();
    expect(other.handled).toEqual(["c"]);
    expect(await spool.isEmpty()).toBe(false);
    isAway = false;
    await runOnce();
    expect(handled).toEqual(["a", "b"]);
    expect(await spool.isEmpty()).toBe(true);
  });

  test("facts of a process that has died are taken over, those of one that lives are not", async () => {
    await spool.append(bytes("a"));
    const dead = drainer(away);
    await expect(dead.runOnce()).rejects.toThrow();
    const heir = drainer(undefined, { takeOverAfterMs: 300 });
    for (let n = 0; n < 5; n += 1) {
      await sleep(100);
      await expect(dead.runOnce()).rejects.toThrow(); // it lives, and tries
      expect(await heir.runOnce()).toMatchObject({ handled: 0 });
    }
    await sleep(310);
    expect(await heir.runOnce()).toMatchObject({ handled: 1 });
    expect(heir.handled).toEqual(["a"]);
    // Had it been frozen only, it finds that there is nothing left to do.
    expect(await dead.runOnce()).toMatchObject({ handled: 0 });
  });
});

describe("a fact that cannot be handled", () => {
  const choosy = (payloads: readonly Uint8Array[]): Promise<void> =>
    texts(payloads).includes("bad") ? Promise.reject(new Error("what is this?")) : Promise.resolve();

  test("spoils nothing for the others, is tried some times, and then lies aside where it is seen", async () => {
    await spool.append(bytes(...numbered(40), "bad", ...numbered(40)));
    const { runOnce, handled, failures } = drainer(choosy);
    await runOnce();
    expect(handled.toSorted()).toEqual([...numbered(40), ...numbered(40)].toSorted());
    expect(failures).toEqual([{ setAside: false, error: expect.objectContaining({ message: "what is this?" }) }]);
    await runOnce();
    expect(await spool.size()).toMatchObject({ entries: 1, aside: 0 });
    await runOnce();
    expect(failures.map(({ setAside }) => setAside)).toEqual([false, false, true]);
    expect(await spool.size()).toMatchObject({ entries: 0, aside: 1, bytes: 3 + 128 });
    await runOnce();
    expect(failures).toHaveLength(3);
  });

  test("keeps the spool from counting as empty, also when it lies aside", async () => {
    await spool.append(bytes("bad"));
    const { runOnce } = drainer(choosy, { maxTries: 1 });
    await runOnce();
    expect(await spool.size()).toMatchObject({ entries: 0, aside: 1 });
    expect(await spool.isEmpty()).toBe(false);
  });

  test("is handled once a release comes that understands it", async () => {
    await spool.append(bytes("bad", "good"));
    await drainer(choosy, { maxTries: 1 }).runOnce();
    expect(await spool.retryAside()).toBe(1);
    const { runOnce, handled } = drainer();
    await runOnce();
    expect(handled).toEqual(["bad"]);
    expect(await spool.isEmpty()).toBe(true);
    expect(await keys()).toEqual([]);
    expect(await spool.retryAside()).toBe(0);
  });
});

test.each([1, 2, 3])("many processes that die anywhere lose nothing between them (%i)", async (seed) => {
  const random = seeded(seed);
  const all = numbered(400);
  const done = new Set<string>();
  const live = async (): Promise<void> => {
    // Each life ends by an outage, by a death after the work and before its receipt, or because all is done.
    while (done.size < all.length || !(await spool.isEmpty())) {
      const { runOnce } = drainer(
        async (payloads) => {
          if (random() < 0.2) return away();
          if (random() < 0.1) throw new Error("a fault that passes");
          for (const text of texts(payloads)) done.add(text);
          if (random() < 0.2) throw new HubError("unavailable", "died before the receipt");
        },
        { maxItems: 1 + Math.floor(random() * 30), takeOverAfterMs: 20, maxTries: 1000 },
      );
      for (let rounds = 0; rounds < 5; rounds += 1) await runOnce().catch(() => undefined);
      await sleep(5);
    }
  };
  const writing = (async () => {
    for (let n = 0; n < all.length; n += 20) await spool.append(bytes(...all.slice(n, n + 20)));
  })();
  await Promise.all([writing, live(), live(), live()]);
  expect([...done].toSorted()).toEqual(all.toSorted());
  expect(await keys()).toEqual([]);
});

describe("Redis", () => {
  test("says how safe it keeps what was appended", async () => {
    expect(await spool.durability()).toBe("memory");
    await redis.config("SET", "appendonly", "yes");
    try {
      expect(["aof", "aof-always"]).toContain(await spool.durability());
      await redis.config("SET", "appendfsync", "always");
      expect(await spool.durability()).toBe("aof-always");
      await spool.append(bytes("a"));
      expect(await spool.size()).toMatchObject({ entries: 1 });
    } finally {
      await redis.config("SET", "appendfsync", "everysec");
      await redis.config("SET", "appendonly", "no");
    }
  });

  test("that is away makes every call unavailable, and nothing counts as known", async () => {
    const nowhere = new Redis("redis://127.0.0.1:1", {
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      lazyConnect: true,
    });
    nowhere.on("error", () => {});
    const lost = newSpool(1, nowhere);
    for (const call of [
      () => lost.append(bytes("a")),
      () => lost.isEmpty(),
      () => lost.size(),
      () => lost.durability(),
      () => lost.retryAside(),
      () => drainer().runOnce(lost),
    ]) {
      await expect(call()).rejects.toMatchObject({ kind: "unavailable" });
    }
  });

  test("that loses its scripts gets them again", async () => {
    await spool.append(bytes("a"));
    await redis.script("FLUSH");
    await spool.append(bytes("b"));
    const { runOnce, handled } = drainer();
    await runOnce();
    expect(handled).toEqual(["a", "b"]);
  });
});

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
