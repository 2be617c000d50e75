import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createLogger, createMetrics } from "@wahub/platform";
import { BatchState } from "@wahub/proto";
import { createTestDatabase, storeSampleBatch, type SampleBatch, type TestDatabase } from "@wahub/store/testing";
import { createAuditRound } from "./audit.ts";
import { createDispatchEvents } from "./events.ts";

const start = new Date("2026-03-02T12:00:00Z");
const at = (seconds: number): Date => new Date(start.getTime() + seconds * 1000);

let db: TestDatabase;
let metrics: ReturnType<typeof createMetrics>;
let now: Date;
let round: () => Promise<void>;
beforeAll(async () => {
  db = await createTestDatabase({ now: start });
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.store.pool.query("update batch set state = $1, completed_at = null, settled_at = null", [
    BatchState.DISCARDING,
  ]);
  metrics = createMetrics({ service: "dispatch" });
  now = start;
  round = createAuditRound({
    store: db.store,
    events: createDispatchEvents(createLogger({ service: "dispatch", level: "fatal" }), metrics),
    now: () => now,
    settleAfterMs: 3_600_000,
  });
});

const batchOf = (recipients: number) => storeSampleBatch(db.store, { createdAt: start, recipients });
const harm = ({ id }: SampleBatch, by = 1) =>
  db.store.pool.query("update batch set total = total + $2 where id = $1", [id, by]);
const finish = ({ id }: SampleBatch, column: "completed_at" | "settled_at", time: Date) =>
  db.store.pool.query(`update batch set state = $2, ${column} = $3 where id = $1`, [id, BatchState.COMPLETED, time]);

async function measured(name: string): Promise<Record<string, number>> {
  const { values } = await metrics.registry.getSingleMetric(name)!.get();
  return Object.fromEntries(
    values.filter(({ value }) => value > 0).map(({ labels, value }) => [String(labels["kind"] ?? "all"), value]),
  );
}
const faults = () => measured("whatsapphub_audit_faults");
const audited = async () => (await measured("whatsapphub_audited_batches_total"))["all"] ?? 0;

describe("the audit in dispatch", () => {
  test("shows 0 for every kind of fault, from the start", async () => {
    const { values } = await metrics.registry.getSingleMetric("whatsapphub_audit_faults")!.get();
    expect(values.length).toBeGreaterThan(5);
    expect(values.every(({ value }) => value === 0)).toBe(true);
  });

  test("shows a fault of a running batch until it is gone", async () => {
    const batch = await batchOf(3);
    await round();
    expect(await faults()).toEqual({});
    await harm(batch, 2);
    await round();
    expect(await faults()).toEqual({ total: 2 });
    await round();
    expect(await faults()).toEqual({ total: 2 });
    await harm(batch, -2);
    await round();
    expect(await faults()).toEqual({});
  });

  test("looks at running batches in turn, some at a time", async () => {
    for (let n = 0; n < 25; n++) await batchOf(1);
    await round();
    expect(await audited()).toBe(20);
    await round();
    expect(await audited()).toBe(25);
    await round();
    expect(await audited()).toBe(45);
  });

  test("shows a batch that was completed while its messages wait", async () => {
    const batch = await batchOf(3);
    await finish(batch, "completed_at", at(1));
    await round();
    expect(await faults()).toEqual({ waiting_in_closed: 3 });
  });

  test("looks at a batch when it is completed and when it is settled, once each; not at what had finished before its start", async () => {
    const [old, batch] = [await batchOf(1), await batchOf(1)];
    await finish(old, "completed_at", at(-60));
    await finish(batch, "completed_at", at(1));
    await db.store.pool.query("update message set status = 10, twilio_sid = 'SM1' where batch_id = any($1)", [
      [old.id, batch.id],
    ]);
    await db.store.pool.query("update batch_count_delta set status = 10 where batch_id = any($1)", [
      [old.id, batch.id],
    ]);
    await round();
    await round();
    expect(await audited()).toBe(1);
    await finish(batch, "settled_at", at(2));
    await round();
    await round();
    expect(await audited()).toBe(2);
    expect(await faults()).toEqual({});
  });

  test("pays for a big batch with rounds that read nothing", async () => {
    const [big, small] = [await batchOf(1), await batchOf(1)];
    await db.store.pool.query("update batch set total = 250000 where id = $1", [big.id]);
    await finish(big, "completed_at", at(1));
    await finish(small, "completed_at", at(2));
    await round();
    expect(await audited()).toBe(1);
    await harm(big, 1 - 250_000);
    await db.store.pool.query("update batch set state = $2 where id = $1", [big.id, BatchState.DISCARDING]);
    await round();
    expect(await audited()).toBe(1);
    await round();
    await round();
    expect(await audited()).toBeGreaterThan(1);
  });
});
