import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { messageId, newBatchId } from "@wahub/domain";
import { acceptBatch, type NewBatch, type NewMessage } from "./accept-batch.ts";
import { declareSender } from "./senders.ts";
import { createTestDatabase, readBalance, sampleSender, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
let db: TestDatabase;
let tenantId: string;
let senderId: string;

beforeAll(async () => {
  db = await createTestDatabase({ now });
  ({ tenantId, senderId } = await declareSender(db.store, { ...sampleSender, now }));
});
afterAll(() => db.drop());

function newBatch(idempotencyKey?: string, hash = "same"): NewBatch {
  return {
    id: newBatchId(now),
    idempotencyKey,
    contentHash: Buffer.from(hash),
    senderId,
    content: '{"text":{"body":"Hello"}}',
    metadata: undefined,
    rejectedCount: 1,
    rejected: [{ index: 3, reason: "phone number is empty" }],
    createdAt: now,
  };
}

function newMessages(batch: NewBatch, count: number, metadata?: string): NewMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    id: messageId(batch.id, `+1415555${i}`),
    recipient: `+1415555${i}`,
    recipientKey: `+1415555${i}`,
    recipientHash: Buffer.from([i >> 8, i & 255, 9, 92]),
    metadata,
  }));
}

describe("accepting a batch", () => {
  test("stores batch, messages and counts together", async () => {
    const batch = newBatch();
    await expect(acceptBatch(db.store.pool, tenantId, batch, newMessages(batch, 1_234))).resolves.toEqual({
      stored: true,
    });
    expect(await readBalance(db.store, batch.id)).toEqual({
      total: 1_234,
      counted: { 1: 1_234 },
      stored: { 1: 1_234 },
    });
  });

  test("keeps metadata to the letter, whatever characters are in it", async () => {
    const batch = newBatch();
    const value = {
      text: 'tab\t newline\n return\r backslash \\ quote " \\N 😀 \\.',
      nested: [1, null, { a: "\\\\" }],
    };
    const [message] = newMessages(batch, 1, JSON.stringify(value));
    await acceptBatch(db.store.pool, tenantId, batch, [message!]);
    const { rows } = await db.store.pool.query("select metadata, recipient_hash from message where id = $1", [
      message!.id,
    ]);
    expect(rows[0]).toEqual({ metadata: value, recipient_hash: message!.recipientHash });
  });

  test("answers a repeated key with the first batch and stores nothing more", async () => {
    const [first, second] = [newBatch("key-1"), newBatch("key-1", "other")];
    await acceptBatch(db.store.pool, tenantId, first, newMessages(first, 2));
    await expect(acceptBatch(db.store.pool, tenantId, second, newMessages(second, 2))).resolves.toEqual({
      stored: false,
      existing: { id: first.id, contentHash: first.contentHash },
    });
    const { rows } = await db.store.pool.query("select from message where batch_id = $1", [second.id]);
    expect(rows).toHaveLength(0);
  });

  test("makes one batch of twenty equal calls at once", async () => {
    const batches = Array.from({ length: 20 }, () => newBatch("key-2"));
    const results = await Promise.all(
      batches.map((batch) => acceptBatch(db.store.pool, tenantId, batch, newMessages(batch, 50))),
    );
    expect(results.filter((result) => result.stored)).toHaveLength(1);
    const { rows } = await db.store.pool.query<{ n: number }>(
      `select count(*)::int as n from message where batch_id = any($1)`,
      [batches.map((batch) => batch.id)],
    );
    expect(rows[0]!.n).toBe(50);
  });

  test("stores nothing at all when one row cannot be stored", async () => {
    const batch = newBatch("key-3");
    const [message] = newMessages(batch, 1);
    await expect(acceptBatch(db.store.pool, tenantId, batch, [message!, message!])).rejects.toMatchObject({
      code: "23505",
    });
    const { rows } = await db.store.pool.query("select from batch where id = $1", [batch.id]);
    expect(rows).toHaveLength(0);
  });
});
