import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import type { Turn } from "./limiter.ts";
import { describeLimiter } from "./testing/limiter-suite.ts";
import { createRedisLimiter } from "./redis-limiter.ts";

const url = process.env["TEST_REDIS_URL"] ?? "redis://127.0.0.1:6379";
const hour = { max: 50, windowMs: 3_600_000 };

let redis: Redis;

beforeAll(() => {
  redis = new Redis(url);
});

afterAll(async () => {
  redis.disconnect();
  await once(redis, "end");
});

function newPrefix(): string {
  return `test-${randomUUID().slice(0, 8)}`;
}

describeLimiter("Redis", (options, clock) =>
  createRedisLimiter({ ...options, redis, prefix: newPrefix(), now: () => clock.now }),
);

describe("limits in Redis", () => {
  const turn = { senderId: "s1", messagesPerSecond: 80, recipientHash: "r1" };

  test("count on the clock of the server", async () => {
    const limiter = createRedisLimiter({ redis, prefix: newPrefix(), recipientLimit: { max: 1, windowMs: 60_000 } });
    expect(await limiter.acquire(turn)).toMatchObject({ granted: true, waitMs: 0 });
    const refused = await limiter.acquire(turn);
    expect(refused).toMatchObject({ granted: false, limitedBy: "recipient" });
    const { waitMs } = refused as { waitMs: number };
    expect(waitMs).toBeGreaterThan(50_000);
    expect(waitMs).toBeLessThanOrEqual(60_001);
  });

  test("are shared by all who use the prefix", async () => {
    const prefix = newPrefix();
    const recipientLimit = { max: 1, windowMs: 60_000 };
    await createRedisLimiter({ redis, prefix, recipientLimit }).acquire(turn);
    const other = createRedisLimiter({ redis, prefix, recipientLimit });
    expect(await other.acquire(turn)).toMatchObject({ granted: false });
  });

  test("survive the loss of the script", async () => {
    const limiter = createRedisLimiter({ redis, prefix: newPrefix(), recipientLimit: hour });
    await limiter.acquire(turn);
    await redis.script("FLUSH");
    const turns = await Promise.all(
      Array.from({ length: 60 }, () => limiter.acquire({ ...turn, messagesPerSecond: 1e6 })),
    );
    expect(turns.filter(({ granted }) => granted)).toHaveLength(49);
  });

  test("leave no key behind for good, and none before its time", async () => {
    const prefix = newPrefix();
    await createRedisLimiter({ redis, prefix, recipientLimit: hour }).acquire(turn);
    const recipientMs = await redis.pttl(`${prefix}:{limit}:recipient:r1`);
    expect(recipientMs).toBeGreaterThan(hour.windowMs);
    expect(recipientMs).toBeLessThanOrEqual(hour.windowMs + 60_000);
    const senderMs = await redis.pttl(`${prefix}:{limit}:sender:s1`);
    expect(senderMs).toBeGreaterThan(0);
    expect(senderMs).toBeLessThanOrEqual(61_000);
  });

  test("that are given back leave no key, and keep the time of one that stays", async () => {
    const prefix = newPrefix();
    const limiter = createRedisLimiter({ redis, prefix, recipientLimit: hour });
    const key = `${prefix}:{limit}:recipient:r1`;
    const giveBack = async (granted: Turn): Promise<void> => {
      if (granted.granted) await limiter.release({ recipientHash: "r1", grantedAt: granted.grantedAt });
    };
    const first = await limiter.acquire({ ...turn, messagesPerSecond: 1e6 });
    const second = await limiter.acquire({ ...turn, messagesPerSecond: 1e6 });
    await giveBack(first);
    expect(await redis.pttl(key)).toBeGreaterThan(hour.windowMs);
    await giveBack(second);
    expect(await redis.exists(key)).toBe(0);
  });

  test("take little memory, as there is a key for each recipient of the last hour", async () => {
    const recipientHash = "a-hash-of-16-bytes-xxx";
    const prefix = "wahub";
    const limiter = createRedisLimiter({ redis, prefix, recipientLimit: hour });
    const key = `${prefix}:{limit}:recipient:${recipientHash}`;
    await redis.del(key);
    await limiter.acquire({ ...turn, recipientHash, messagesPerSecond: 1e6 });
    expect(await redis.memory("USAGE", key)).toBeLessThanOrEqual(128);
    for (let n = 0; n < 60; n += 1) await limiter.acquire({ ...turn, recipientHash, messagesPerSecond: 1e6 });
    expect(await redis.memory("USAGE", key)).toBeLessThanOrEqual(512);
    await redis.del(key);
  });

  test("grant nothing while Redis is away", async () => {
    const away = new Redis("redis://127.0.0.1:1", {
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      lazyConnect: true,
    });
    away.on("error", () => {});
    const limiter = createRedisLimiter({ redis: away, prefix: newPrefix(), recipientLimit: hour });
    await expect(limiter.acquire(turn)).rejects.toMatchObject({ kind: "unavailable" });
    await expect(limiter.release({ recipientHash: "r1", grantedAt: 1 })).rejects.toMatchObject({ kind: "unavailable" });
  });
});
