import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { BatchState, MessageStatus, UnknownPolicy } from "@wahub/proto";
import { readBatch } from "./read-batch.ts";
import { createTestDatabase, storeSampleBatch, type SampleBatch, type TestDatabase } from "./testing/index.ts";

const createdAt = new Date("2026-03-01T12:00:00.123Z");
const otherTenant = "00000000-0000-7000-8000-000000000000";

describe("reading a batch", () => {
  let database: TestDatabase;
  let batch: SampleBatch;

  beforeAll(async () => {
    database = await createTestDatabase({ now: createdAt });
  });

  beforeEach(async () => {
    batch = await storeSampleBatch(database.store, { createdAt, recipients: 10 });
  });

  afterAll(() => database.drop());

  test("counts its messages from the moment it is stored", async () => {
    expect(await readBatch(database.store.pool, batch.tenantId, batch.id)).toEqual({
      id: batch.id,
      state: BatchState.RUNNING,
      total: 10,
      rejectedCount: 0,
      counts: [{ status: MessageStatus.ACCEPTED, errorCode: 0, count: 10 }],
      unknownPolicy: UnknownPolicy.ASSUME_SENT,
      assumedCount: 0,
      createdAt,
      updatedAt: createdAt,
      completedAt: undefined,
      settledAt: undefined,
    });
  });

  test("adds up what is folded and what is not, and leaves out what is empty", async () => {
    await addCount("batch_count", MessageStatus.ACCEPTED, 0, -10);
    await addCount("batch_count", MessageStatus.READ, 0, 4);
    await addCount("batch_count_delta", MessageStatus.READ, 0, 1);
    await addCount("batch_count_delta", MessageStatus.FAILED, 63024, 2);
    await addCount("batch_count", MessageStatus.FAILED, 63016, 3);
    const found = await readBatch(database.store.pool, batch.tenantId, batch.id);
    expect(found!.counts).toEqual([
      { status: MessageStatus.FAILED, errorCode: 63016, count: 3 },
      { status: MessageStatus.FAILED, errorCode: 63024, count: 2 },
      { status: MessageStatus.READ, errorCode: 0, count: 5 },
    ]);
  });

  test("gives the same counts before, while and after deltas are folded", async () => {
    const { pool } = database.store;
    await addCount("batch_count_delta", MessageStatus.ACCEPTED, 0, -4);
    await addCount("batch_count_delta", MessageStatus.QUEUED, 0, 4);
    const expected = [
      { status: MessageStatus.ACCEPTED, errorCode: 0, count: 6 },
      { status: MessageStatus.QUEUED, errorCode: 0, count: 4 },
    ];
    const counts = async (): Promise<unknown> => (await readBatch(pool, batch.tenantId, batch.id))!.counts;
    const folding = await pool.connect();
    try {
      expect(await counts()).toEqual(expected);
      await folding.query("begin");
      await folding.query(
        `with gone as (delete from batch_count_delta where batch_id = $1 returning batch_id, tenant_id, status, error_code, n)
         insert into batch_count select batch_id, tenant_id, status, error_code, sum(n) from gone group by 1, 2, 3, 4`,
        [batch.id],
      );
      expect(await counts()).toEqual(expected);
      await folding.query("commit");
      expect(await counts()).toEqual(expected);
    } finally {
      folding.release();
    }
  });

  test("shows nothing of another tenant's", async () => {
    expect(await readBatch(database.store.pool, otherTenant, batch.id)).toBeUndefined();
  });

  async function addCount(table: string, status: MessageStatus, errorCode: number, n: number): Promise<void> {
    await database.store.pool.query(
      `insert into ${table} (tenant_id, batch_id, status, error_code, n) values ($1, $2, $3, $4, $5)`,
      [batch.tenantId, batch.id, status, errorCode, n],
    );
  }
});
