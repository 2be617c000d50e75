import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newBatchId } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import { listMessages, listMessagesSql, listMessagesValues } from "./list-messages.ts";
import { createTestDatabase, storeSampleBatch, type SampleBatch, type TestDatabase } from "./testing/index.ts";

const createdAt = new Date("2026-03-01T12:00:00.123Z");
const otherTenant = "00000000-0000-7000-8000-000000000000";

describe("listing the messages of a batch", () => {
  let database: TestDatabase;
  let batch: SampleBatch;
  let twin: SampleBatch;

  beforeAll(async () => {
    database = await createTestDatabase({ now: createdAt });
    batch = await storeSampleBatch(database.store, { createdAt, recipients: 25, metadata: { campaign: "spring" } });
    // Of the same millisecond, so its ids lie between the others'.
    twin = await storeSampleBatch(database.store, { createdAt, recipients: 25 });
  });

  afterAll(() => database.drop());

  test("shows each of them once, page by page, and none of a batch of the same millisecond", async () => {
    const seen: string[] = [];
    const sizes: number[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await listMessages(database.store.pool, batch.tenantId, {
        batchId: batch.id,
        statuses: [],
        after,
        limit: 10,
      });
      sizes.push(page!.length);
      seen.push(...page!.map((message) => message.id));
      if (page!.length < 10) break;
    }
    expect(sizes).toEqual([10, 10, 5]);
    expect(seen).toEqual(batch.messageIds.toSorted());
    expect(seen).not.toEqual(expect.arrayContaining([...twin.messageIds]));
  });

  test("can be narrowed to some statuses", async () => {
    const { pool } = database.store;
    const [first, second] = batch.messageIds.toSorted();
    await pool.query("update message set status = $2 where id = $1", [first, MessageStatus.FAILED]);
    await pool.query("update message set status = $2 where id = $1", [second, MessageStatus.READ]);
    const page = await listMessages(pool, batch.tenantId, {
      batchId: batch.id,
      statuses: [MessageStatus.READ, MessageStatus.FAILED],
      limit: 10,
    });
    expect(page!.map((message) => [message.id, message.status])).toEqual([
      [first, MessageStatus.FAILED],
      [second, MessageStatus.READ],
    ]);
  });

  test("gives each message the batch's content and metadata", async () => {
    const [message] = (await listMessages(database.store.pool, batch.tenantId, {
      batchId: batch.id,
      statuses: [],
      limit: 1,
    }))!;
    expect(message).toMatchObject({ content: { text: { body: "Hello" } }, metadata: { campaign: "spring" } });
  });

  test("knows no batch of another tenant, nor one that does not exist", async () => {
    const { pool } = database.store;
    expect(await listMessages(pool, otherTenant, { batchId: batch.id, statuses: [], limit: 1 })).toBeUndefined();
    const missing = newBatchId(createdAt);
    expect(await listMessages(pool, batch.tenantId, { batchId: missing, statuses: [], limit: 1 })).toBeUndefined();
  });

  test("reads one partition by its primary key, from where the page before ended", async () => {
    const { pool } = database.store;
    const big = await storeSampleBatch(database.store, {
      createdAt: new Date(createdAt.getTime() + 1),
      recipients: 5000,
    });
    await pool.query("analyze message");
    const middle = big.messageIds.toSorted()[2500]!;
    const filter = { batchId: big.id, statuses: [], after: middle, limit: 100 };
    const { rows } = await pool.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
      `explain (analyze, format json) ${listMessagesSql}`,
      listMessagesValues(big.tenantId, filter),
    );
    const scans = scansOf(rows[0]!["QUERY PLAN"][0].Plan);
    expect(scans).toEqual([
      expect.objectContaining({
        "Node Type": "Index Scan",
        "Relation Name": "message_p20260226",
        "Index Name": "message_p20260226_pkey",
        "Actual Rows": 100,
      }),
    ]);
    expect(scans[0]!["Rows Removed by Filter"] ?? 0).toBe(0);
  });
});

interface PlanNode {
  readonly "Relation Name"?: string;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanNode[];
}

function scansOf(node: PlanNode): PlanNode[] {
  return [...("Relation Name" in node ? [node] : []), ...(node.Plans ?? []).flatMap(scansOf)];
}
