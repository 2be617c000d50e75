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
      sizes.push(page!.messages.length);
      seen.push(...page!.messages.map((message) => message.id));
      expect(page!.next).toBe(sizes.length < 3 ? seen.at(-1) : undefined);
      if (page!.next === undefined) break;
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
    expect(page!.messages.map((message) => [message.id, message.status])).toEqual([
      [first, MessageStatus.FAILED],
      [second, MessageStatus.READ],
    ]);
  });

  test("looks at so many messages for a page and no more; whoever goes on finds all in a rare status", async () => {
    const { pool } = database.store;
    const rare = await storeSampleBatch(database.store, { createdAt, recipients: 95 });
    const ids = rare.messageIds.toSorted();
    const failed = [ids[3]!, ids[47]!, ids[48]!, ids[94]!];
    await pool.query("update message set status = $2 where id = any($1)", [failed, MessageStatus.FAILED]);
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const filter = { batchId: rare.id, statuses: [MessageStatus.FAILED], after, limit: 2 };
      const page = await listMessages(pool, rare.tenantId, filter, { scanLimit: 20 });
      pages.push(page!.messages.map((message) => message.id));
      after = page!.next;
    } while (after !== undefined);
    expect(pages).toEqual([[failed[0]], [], [failed[1], failed[2]], [], [failed[3]]]);
    const whole = await listMessages(pool, rare.tenantId, {
      batchId: rare.id,
      statuses: [MessageStatus.FAILED],
      limit: 4,
    });
    expect(whole).toMatchObject({ messages: { length: 4 }, next: undefined });
  });

  test("gives each message the batch's content and metadata", async () => {
    const page = await listMessages(database.store.pool, batch.tenantId, {
      batchId: batch.id,
      statuses: [],
      limit: 1,
    });
    expect(page!.messages[0]).toMatchObject({ content: { text: { body: "Hello" } }, metadata: { campaign: "spring" } });
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
        "Actual Rows": 101,
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
