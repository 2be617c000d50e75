import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ensurePartitions } from "./partitions.ts";
import { createTestDatabase, storeSampleBatch, type TestDatabase } from "./testing/index.ts";

const weekMs = 7 * 24 * 3600 * 1000;

describe("partitions", () => {
  let database: TestDatabase;
  const now = new Date("2030-01-09T12:00:00Z");

  beforeAll(async () => {
    database = await createTestDatabase({ now });
  });

  afterAll(() => database.drop());

  test("reach from a week ago to five weeks ahead, each a week of Unix time that begins on a Thursday", async () => {
    expect(await partitionsOf("message", "2029-12", "2030-02")).toEqual([
      "message_p20291227",
      "message_p20300103",
      "message_p20300110",
      "message_p20300117",
      "message_p20300124",
      "message_p20300131",
      "message_p20300207",
    ]);
  });

  test("exist for messages, events and attempts alike", async () => {
    expect(await suffixes("message_event")).toEqual(await suffixes("message"));
    expect(await suffixes("message_attempt")).toEqual(await suffixes("message"));
  });

  test("are created once, however many processes ask at the same time", async () => {
    expect(await ensurePartitions(database.store.pool, now)).toBe(0);
    const later = new Date(now.getTime() + weekMs);
    const created = await Promise.all([1, 2, 3, 4].map(() => ensurePartitions(database.store.pool, later)));
    expect(created.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 3]);
  });

  test("take the parent's indexes over instead of doubling them", async () => {
    const { rows } = await database.store.pool.query<{ name: string; parent: string | null }>(
      `select x.indexrelid::regclass::text as name, h.inhparent::regclass::text as parent
         from pg_index x left join pg_inherits h on h.inhrelid = x.indexrelid
        where x.indrelid = 'message_p20300110'::regclass
        order by 2`,
    );
    expect(rows.map((row) => row.parent)).toEqual([
      "message_accepted",
      "message_assumed",
      "message_assumed_recipient",
      "message_pkey",
      "message_queued",
      "message_sending",
      "message_twilio_sid",
      "message_unknown",
      "message_unresolved",
    ]);
  });

  test("take the first and the last message of their week", async () => {
    for (const [createdAt, partition] of [
      ["2030-01-10T00:00:00.000Z", "message_p20300110"],
      ["2030-01-16T23:59:59.999Z", "message_p20300110"],
      ["2030-01-17T00:00:00.000Z", "message_p20300117"],
    ] as const) {
      const { messageIds } = await storeSampleBatch(database.store, { createdAt: new Date(createdAt), recipients: 2 });
      const { rows } = await database.store.pool.query(
        "select distinct tableoid::regclass::text as partition from message where id = any ($1)",
        [messageIds],
      );
      expect(rows).toEqual([{ partition }]);
    }
  });

  test("refuse a message from outside their time, and nothing of its batch stays", async () => {
    const createdAt = new Date("2031-01-01T00:00:00Z");
    await expect(storeSampleBatch(database.store, { createdAt, recipients: 2 })).rejects.toMatchObject({
      code: "23514",
      message: 'no partition of relation "message" found for row',
    });
    const { rows } = await database.store.pool.query("select id from batch where created_at = $1", [createdAt]);
    expect(rows).toEqual([]);
  });

  test("are added without waiting for writers, and writers do not wait for them", async () => {
    const writer = await database.store.pool.connect();
    const maintainer = await database.store.pool.connect();
    try {
      await writer.query("begin");
      await writer.query("update message set tries = tries where false");
      await maintainer.query("begin; set local lock_timeout = '2s'");
      const muchLater = new Date(now.getTime() + 20 * weekMs);
      expect(await ensurePartitions(maintainer, muchLater)).toBe(7 * 3);
      await writer.query("set local lock_timeout = '2s'; update message set tries = tries where false");
    } finally {
      await writer.query("rollback");
      await maintainer.query("rollback");
      writer.release();
      maintainer.release();
    }
  });

  async function suffixes(table: string): Promise<string[]> {
    return (await partitionsOf(table, "0000", "9999")).map((name) => name.slice(-8));
  }

  /** Names of a table's partitions whose first day lies between two prefixes of a date. */
  async function partitionsOf(table: string, from: string, until: string): Promise<string[]> {
    const { rows } = await database.store.pool.query<{ name: string }>(
      `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = $1::regclass order by 1`,
      [table],
    );
    return rows.map((row) => row.name).filter((name) => firstDayOf(name) >= from && firstDayOf(name) <= `${until}-99`);
  }
});

function firstDayOf(partition: string): string {
  return partition.replace(/^.*_p(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
}
