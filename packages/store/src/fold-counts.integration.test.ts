import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BatchState, MessageStatus } from "@wahub/proto";
import { foldCounts, settleOverdueBatches } from "./fold-counts.ts";
import { readBatch } from "./read-batch.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);
let db: TestDatabase;
let batch: SampleBatch;

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 2 });
});
afterEach(() => db.drop());

/** Sends both messages and has Twilio take the first `taken` of them; the rest is refused for good. */
async function send(taken: number): Promise<void> {
  const claims = await claimAll(db.store, batch, now);
  await recordOutcomes(
    db.store.pool,
    claims.map(({ tenantId, messageId, attempt, token }, i) => ({
      tenantId,
      messageId,
      attempt,
      token,
      result:
        i < taken
          ? { status: MessageStatus.SUBMITTED, sid: `SM${i}` }
          : { status: MessageStatus.FAILED, errorCode: 21211, errorMessage: "invalid To" },
    })),
    now,
  );
}
const fold = (at = now) => foldCounts(db.store.pool, { now: at, limit: 1000 });
const deltas = async () => (await db.store.pool.query("select from batch_count_delta")).rowCount;

describe("folding counts", () => {
  test("empties the deltas and changes no sum", async () => {
    const before = await readBalance(db.store, batch.id);
    expect((await fold()).folded).toBe(1);
    expect(await deltas()).toBe(0);
    expect(await readBalance(db.store, batch.id)).toEqual(before);
    expect(await fold()).toEqual({ folded: 0, completed: [], settled: [] });
  });

  test("completes a batch when nothing waits any more, and settles it when nothing is on its way", async () => {
    await fold();
    expect((await readBatch(db.store.pool, batch.tenantId, batch.id))!.state).toBe(BatchState.RUNNING);
    await send(1);
    expect(await fold(later(1))).toMatchObject({ completed: [{ batchId: batch.id, total: 2 }], settled: [] });
    await db.store.pool.query("update message set status = $1 where status = $2", [
      MessageStatus.READ,
      MessageStatus.SUBMITTED,
    ]);
    await db.store.pool.query(
      `insert into batch_count_delta (tenant_id, batch_id, status, error_code, n) values ($1, $2, 5, 0, -1), ($1, $2, 11, 0, 1)`,
      [batch.tenantId, batch.id],
    );
    expect(await fold(later(2))).toMatchObject({ completed: [], settled: [{ batchId: batch.id }] });
    expect(await readBatch(db.store.pool, batch.tenantId, batch.id)).toMatchObject({
      state: BatchState.COMPLETED,
      completedAt: later(1),
      settledAt: later(2),
    });
  });

  test("completes and settles at once where everything was refused", async () => {
    await send(0);
    expect(await fold()).toMatchObject({ completed: [{ batchId: batch.id }], settled: [{ batchId: batch.id }] });
  });

  test("done by many replicas at once, loses and doubles nothing", async () => {
    await send(1);
    const before = await readBalance(db.store, batch.id);
    await Promise.all(Array.from({ length: 8 }, () => foldCounts(db.store.pool, { now, limit: 2 })));
    while ((await fold()).folded > 0);
    expect(await readBalance(db.store, batch.id)).toEqual(before);
    expect((await readBatch(db.store.pool, batch.tenantId, batch.id))!.state).toBe(BatchState.COMPLETED);
  });

  test("settles a completed batch whose callbacks never come once its time is up", async () => {
    await send(2);
    await fold();
    const options = { now: later(10_000), limit: 10 };
    expect(await settleOverdueBatches(db.store.pool, { ...options, completedBefore: now })).toEqual([]);
    expect(await settleOverdueBatches(db.store.pool, { ...options, completedBefore: later(1) })).toMatchObject([
      { batchId: batch.id },
    ]);
    expect(await settleOverdueBatches(db.store.pool, { ...options, completedBefore: later(1) })).toEqual([]);
  });
});
