import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import { createRedisConnection } from "./connection.ts";
import { createEpoch } from "./epoch.ts";
import { newPrefix, testRedisUrl } from "./testing/redis-testing.ts";

let redis: Redis;
let prefix: string;

beforeEach(() => {
  redis = createRedisConnection(testRedisUrl());
  prefix = newPrefix();
});

afterEach(async () => {
  await redis.quit();
});

/** What a FLUSHALL does to the epoch. */
async function lose(): Promise<void> {
  await redis.del(`${prefix}:epoch`);
}

test("the first process that finds an empty Redis says lost, once", async () => {
  const epoch = createEpoch({ redis, prefix });
  expect(await epoch.check()).toBe("lost");
  expect(await epoch.check()).toBe("same");
  expect(await epoch.check()).toBe("same");
});

test("a process that joins the others says same", async () => {
  await createEpoch({ redis, prefix }).check();
  const second = createEpoch({ redis, prefix });
  expect(await second.check()).toBe("same");
});

test("after a loss every process says lost, once", async () => {
  const first = createEpoch({ redis, prefix });
  const second = createEpoch({ redis, prefix });
  await first.check();
  await second.check();

  await lose();

  expect([await first.check(), await second.check()]).toEqual(["lost", "lost"]);
  expect([await first.check(), await second.check()]).toEqual(["same", "same"]);
});

test("each loss is told", async () => {
  const epoch = createEpoch({ redis, prefix });
  await epoch.check();
  for (let n = 0; n < 3; n += 1) {
    await lose();
    expect(await epoch.check()).toBe("lost");
    expect(await epoch.check()).toBe("same");
  }
});

test("while Redis is away nobody can tell", async () => {
  const away = createRedisConnection("redis://127.0.0.1:1");
  await expect(createEpoch({ redis: away, prefix }).check()).rejects.toMatchObject({ kind: "unavailable" });
  away.disconnect();
});
