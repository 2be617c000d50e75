import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createRedisConnection } from "@wahub/queue";
import { createSpool, outcomeSpool } from "@wahub/spool";
import { createAbsenceCheck, type AbsenceCheck } from "./may-decide-absence.ts";

const redisUrl = process.env["TEST_REDIS_URL"] ?? "redis://127.0.0.1:6379";
const checks: AbsenceCheck[] = [];
let redis: ReturnType<typeof createRedisConnection>;

beforeEach(() => {
  redis = createRedisConnection(redisUrl);
});
afterEach(() => {
  for (const one of checks.splice(0)) one.close();
  redis.disconnect();
});

function check(url: string | undefined, prefix = "test"): AbsenceCheck {
  const created = createAbsenceCheck({ redisUrl: url, prefix });
  checks.push(created);
  return created;
}

describe("an attempt may be taken for absent", () => {
  test("while the senders' spool is known to be empty, and not while an outcome lies there, in whosever hands", async () => {
    const prefix = `test-${randomUUID().slice(0, 8)}`;
    const spool = createSpool({ redis, prefix, name: outcomeSpool });
    const { mayDecideAbsence } = check(redisUrl, prefix);
    expect(await mayDecideAbsence()).toBe(true);
    await spool.append([Buffer.from("a fact")]);
    expect(await mayDecideAbsence()).toBe(false);
    await spool.drain({
      consumer: "one",
      maxItems: 10,
      takeOverAfterMs: 60_000,
      maxTries: 5,
      onFailure: () => {},
      handle: async () => expect(await mayDecideAbsence()).toBe(false),
    });
    expect(await mayDecideAbsence()).toBe(true);
  });

  test("neither while Redis is away, nor without one", async () => {
    expect(await check("redis://127.0.0.1:1").mayDecideAbsence()).toBe(false);
    expect(await check(undefined).mayDecideAbsence()).toBe(false);
  });
});
