import { randomBytes, randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createLogger, createMetrics } from "@wahub/platform";
import { createEpoch, createRedisConnection } from "@wahub/queue";
import type { SendMessageJob } from "@wahub/proto/jobs";
import { createTestDatabase, storeSampleBatch, type SampleBatch, type TestDatabase } from "@wahub/store/testing";
import { createDispatchEvents } from "./events.ts";
import { createPlanRound, type PlannerDeps } from "./plan.ts";

const now = new Date("2026-03-01T12:00:00Z");
const running = new AbortController().signal;
let db: TestDatabase;
let redis: ReturnType<typeof createRedisConnection>;
let epoch: PlannerDeps["epoch"];
let batches: SampleBatch[];

beforeEach(async () => {
  db = await createTestDatabase({ now });
  redis = createRedisConnection(process.env["TEST_REDIS_URL"]!, { role: "commands" });
  const prefix = `test-${randomBytes(6).toString("hex")}`;
  epoch = createEpoch({ redis, prefix });
  await epoch.check();
  batches = [];
  for (let n = 0; n < 3; n++) batches.push(await storeForSenderOfItsOwn(n));
});
afterEach(async () => {
  redis.disconnect();
  await db.drop();
});

/** Three numbers of one account, each with a batch. */
async function storeForSenderOfItsOwn(n: number): Promise<SampleBatch> {
  const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 5 });
  const senderId = randomUUID();
  await db.store.pool.query(
    "insert into sender (id, tenant_id, account_id, phone, created_at) values ($1, $2, $3, $4, $5)",
    [senderId, batch.tenantId, batch.accountId, `+1415555010${n + 1}`, now],
  );
  await db.store.pool.query("update batch set sender_id = $1 where id = $2", [senderId, batch.id]);
  await db.store.pool.query("update message set sender_id = $1 where batch_id = $2", [senderId, batch.id]);
  return { ...batch, senderId };
}

/** A planner that hands its jobs to the test. */
function planner(enqueue: (jobs: readonly SendMessageJob[]) => void, overrides: Partial<PlannerDeps> = {}) {
  const metrics = createMetrics({ service: "dispatch" });
  const round = createPlanRound({
    store: db.store,
    producer: { enqueue: async (jobs) => enqueue(jobs), dropFinished: async () => {} },
    epoch,
    events: createDispatchEvents(createLogger({ service: "dispatch", level: "silent" }), metrics),
    now: () => now,
    horizonMs: 1000,
    reofferAfterMs: 15_000,
    paceRecoveryMs: 60_000,
    probeLostAfterMs: 30_000,
    ...overrides,
  });
  return { round: () => round(running), metrics };
}

/** PostgreSQL refuses to queue messages of this sender. */
const breakSender = (senderId: string) =>
  db.store.pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;
    create trigger broken before update on message for each row when (new.sender_id = '${senderId}')
      execute function refuse()`);

describe("a round of the planner", () => {
  test("hands out the messages of all senders, and begins with another one each time", async () => {
    let senders: string[] = [];
    const { round } = planner((jobs) => senders.push(...new Set(jobs.map((job) => job.senderId))));
    const firsts: string[] = [];
    for (let n = 0; n < 3; n++) {
      senders = [];
      await db.store.pool.query("update message set status = 1");
      await round();
      expect(senders.toSorted()).toEqual(batches.map((batch) => batch.senderId).toSorted());
      firsts.push(senders[0]!);
    }
    // Two take turns at once, so the one that began need not be done first.
    expect(new Set(firsts).size).toBeGreaterThan(1);
  });

  test("goes on for the others where one sender's turn fails, and counts it", async () => {
    await breakSender(batches[1]!.senderId);
    const planned: string[] = [];
    const { round, metrics } = planner((jobs) => planned.push(...jobs.map((job) => job.messageId)));
    await round();
    expect(planned.toSorted()).toEqual([...batches[0]!.messageIds, ...batches[2]!.messageIds].toSorted());
    expect(await metrics.registry.metrics()).toContain('whatsapphub_sender_plans_failed_total{service="dispatch"} 1');
    await db.store.pool.query("drop trigger broken on message");
    await round();
    expect(planned).toHaveLength(15);
  });

  test("fails where all turns fail, so that the loop waits", async () => {
    const { round } = planner(() => {
      throw new Error("Redis is away");
    });
    await expect(round()).rejects.toThrow("Redis is away");
  });

  test("offers again at once what did not reach Redis, for that sender only", async () => {
    const broken = batches[0]!.senderId;
    let away = true;
    const offered: string[] = [];
    const { round } = planner((jobs) => {
      if (away && jobs.some((job) => job.senderId === broken)) throw new Error("Redis is away");
      offered.push(...jobs.map((job) => job.messageId));
    });
    await round();
    expect(offered).toHaveLength(10);
    away = false;
    await round();
    expect(offered.slice(10).toSorted()).toEqual(batches[0]!.messageIds.toSorted());
  });

  test("offers everything again when Redis has forgotten, also where one sender's turn fails", async () => {
    const offered: string[] = [];
    let time = now.getTime();
    const { round } = planner((jobs) => offered.push(...jobs.map((job) => job.messageId)), {
      now: () => new Date((time += 1)),
      epoch: { check: async () => (offered.length === 15 ? "lost" : "same") },
    });
    await round();
    expect(offered).toHaveLength(15);
    await breakSender(batches[1]!.senderId);
    await round();
    expect(offered).toHaveLength(25);
    await db.store.pool.query("drop trigger broken on message");
    await round();
    expect(offered.slice(25).toSorted()).toEqual(batches[1]!.messageIds.toSorted());
  });

  test("lets one message try for a paused account, whichever replica plans", async () => {
    await db.store.pool.query("update account set state = 2, pause_code = 20003, probe_at = $1", [now]);
    const tried: string[] = [];
    const replicas = Array.from({ length: 4 }, () => planner((jobs) => tried.push(...jobs.map((j) => j.messageId))));
    await Promise.all(replicas.map(({ round }) => round()));
    await Promise.all(replicas.map(({ round }) => round()));
    expect(tried).toHaveLength(1);
  });
});
