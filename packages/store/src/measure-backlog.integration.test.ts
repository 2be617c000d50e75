import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { foldCounts } from "./fold-counts.ts";
import { measureBacklog } from "./measure-backlog.ts";
import { planSender } from "./plan-messages.ts";
import { claimAll, createTestDatabase, storeSampleBatch, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
let db: TestDatabase;

beforeEach(async () => {
  db = await createTestDatabase({ now });
});
afterEach(() => db.drop());

const backlog = async () => {
  await foldCounts(db.store.pool, { now, limit: 1000 });
  return measureBacklog(db.store.pool);
};

test("without batches nothing waits", async () => {
  expect(await backlog()).toEqual({ accepted: 0, queued: 0, sending: 0 });
});

test("messages are counted where they stand, over all running batches", async () => {
  const first = await storeSampleBatch(db.store, { createdAt: now, recipients: ["+12125550101", "+12125550102"] });
  expect(await backlog()).toEqual({ accepted: 2, queued: 0, sending: 0 });
  await claimAll(db.store, first, now);
  await storeSampleBatch(db.store, { createdAt: now, recipients: ["+12125550103"] });
  expect(await backlog()).toEqual({ accepted: 1, queued: 0, sending: 2 });
  await planSender(db.store.pool, first.senderId, { now, horizonMs: 1000 });
  expect(await backlog()).toEqual({ accepted: 0, queued: 1, sending: 2 });
});

test("a batch that does not run asks for no sender", async () => {
  const { id } = await storeSampleBatch(db.store, { createdAt: now, recipients: 3 });
  await db.store.pool.query("update batch set state = 5 where id = $1", [id]);
  expect(await backlog()).toEqual({ accepted: 0, queued: 0, sending: 0 });
});
