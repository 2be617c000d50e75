import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { planSender } from "./plan-messages.ts";
import { reofferQueued } from "./reoffer-queued.ts";
import { sendersWithWork } from "./senders-with-work.ts";
import { createTestDatabase, readBalance, storeSampleBatch, type TestDatabase } from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);
let db: TestDatabase;

beforeEach(async () => {
  db = await createTestDatabase({ now });
});
afterEach(() => db.drop());

describe("planning a sender", () => {
  test("queues about a second of its work, and no more until that has been claimed", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 200 });
    const planned = await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 });
    expect(planned).toHaveLength(80);
    expect(planned[0]).toMatchObject({
      tenantId: batch.tenantId,
      attempt: 1,
      senderId: batch.senderId,
      messagesPerSecond: 80,
    });
    expect(await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 })).toEqual([]);
    expect(await readBalance(db.store, batch.id)).toEqual({
      total: 200,
      counted: { 1: 120, 2: 80 },
      stored: { 1: 120, 2: 80 },
    });
  });

  test("leaves alone what is not due yet", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 3 });
    await db.store.pool.query("update message set next_at = $2 where id = $1", [batch.messageIds[0], later(60_000)]);
    const planned = await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 });
    expect(planned.map((p) => p.messageId).toSorted()).toEqual(batch.messageIds.slice(1).toSorted());
    const afterwards = await planSender(db.store.pool, batch.senderId, { now: later(60_000), horizonMs: 1000 });
    expect(afterwards.map((p) => p.messageId)).toEqual([batch.messageIds[0]]);
  });

  test("takes turns between a huge batch and a small one that came later", async () => {
    const huge = await storeSampleBatch(db.store, { createdAt: now, recipients: 500 });
    await planSender(db.store.pool, huge.senderId, { now, horizonMs: 500 });
    const small = await storeSampleBatch(db.store, { createdAt: later(1), recipients: 20 });
    const planned = await planSender(db.store.pool, huge.senderId, { now: later(2), horizonMs: 1000 });
    const ofSmall = planned.filter((p) => small.messageIds.includes(p.messageId));
    expect(planned).toHaveLength(40);
    expect(ofSmall).toHaveLength(20);
  });

  test("gives a batch that was idle no more than its share, however long it was idle", async () => {
    const idle = await storeSampleBatch(db.store, { createdAt: now, recipients: 60 });
    await db.store.pool.query("update message set next_at = $1", [later(60_000)]);
    const busy = await storeSampleBatch(db.store, { createdAt: later(1), recipients: 200 });
    await planSender(db.store.pool, busy.senderId, { now: later(2), horizonMs: 1000 });
    const planned = await planSender(db.store.pool, busy.senderId, { now: later(60_000), horizonMs: 1500 });
    expect(planned).toHaveLength(40);
    const ofIdle = planned.filter((p) => idle.messageIds.includes(p.messageId)).length;
    expect(ofIdle).toBeGreaterThanOrEqual(19);
    expect(ofIdle).toBeLessThanOrEqual(21);
  });

  test("is not held up by batches that run and have nothing due, however many and however far behind", async () => {
    for (let n = 0; n < 40; n++) await storeSampleBatch(db.store, { createdAt: later(n), recipients: 1 });
    const busy = await storeSampleBatch(db.store, { createdAt: later(100), recipients: 60 });
    let planned = 0;
    for (let round = 1; round <= 10; round++) {
      planned += (await planSender(db.store.pool, busy.senderId, { now: later(200), horizonMs: 250 * round })).length;
    }
    expect(planned).toBe(100);
  });

  test("is done by one replica at a time, and no message is queued twice", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 60 });
    const rounds = await Promise.all(
      Array.from({ length: 8 }, () => planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 })),
    );
    const ids = rounds.flat().map((p) => p.messageId);
    expect(ids).toHaveLength(60);
    expect(new Set(ids).size).toBe(60);
  });

  test("does nothing for a paused sender or a batch that does not run", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 1 });
    expect(await sendersWithWork(db.store.pool, now)).toEqual([batch.senderId]);
    await db.store.pool.query("update sender set state = 2");
    expect(await sendersWithWork(db.store.pool, now)).toEqual([]);
    expect(await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 })).toEqual([]);
    await db.store.pool.query("update sender set state = 1");
    await db.store.pool.query("update batch set state = 1");
    expect(await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 })).toEqual([]);
  });

  test("goes as fast as sender and account may, whatever slowed them down, and tells the job so", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 200 });
    await db.store.pool.query("update sender set pace = 0.5, paced_at = $1", [now]);
    await db.store.pool.query("update account set pace = 0.5, paced_at = $1", [now]);
    const options = { now, horizonMs: 1000, paceRecoveryMs: 10_000 };
    const planned = await planSender(db.store.pool, batch.senderId, options);
    expect(planned).toHaveLength(20);
    expect(planned[0]).toMatchObject({ messagesPerSecond: 20 });
    // In two and a half seconds a quarter of each speed has come back.
    expect(await planSender(db.store.pool, batch.senderId, { ...options, now: later(2_500) })).toHaveLength(45 - 20);
    expect(await planSender(db.store.pool, batch.senderId, { ...options, now: later(60_000) })).toHaveLength(80 - 45);
  });

  test.each(["sender", "account"])("rests as long as the %s does", async (table) => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 5 });
    await db.store.pool.query(`update ${table} set hold_until = $1`, [later(5_000)]);
    expect(await sendersWithWork(db.store.pool, later(4_999))).toEqual([]);
    expect(await planSender(db.store.pool, batch.senderId, { now: later(4_999), horizonMs: 1000 })).toEqual([]);
    expect(await sendersWithWork(db.store.pool, later(5_000))).toEqual([batch.senderId]);
    expect(await planSender(db.store.pool, batch.senderId, { now: later(5_000), horizonMs: 1000 })).toHaveLength(5);
  });

  test("is not held up by what a paused or expired batch has queued", async () => {
    const paused = await storeSampleBatch(db.store, { createdAt: now, recipients: 80 });
    expect(await planSender(db.store.pool, paused.senderId, { now, horizonMs: 1000 })).toHaveLength(80);
    const other = await storeSampleBatch(db.store, { createdAt: later(1), recipients: 80 });
    await db.store.pool.query("update batch set state = 5 where id = $1", [paused.id]);
    const planned = await planSender(db.store.pool, other.senderId, { now: later(2), horizonMs: 500 });
    expect(planned.every((m) => other.messageIds.includes(m.messageId))).toBe(true);
    expect(planned).toHaveLength(40);
    await db.store.pool.query("update batch set state = 2, expires_at = $1 where id = $2", [later(2), paused.id]);
    expect(await planSender(db.store.pool, other.senderId, { now: later(2), horizonMs: 1000 })).toHaveLength(40);
  });

  test("leaves out a batch that has expired", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 5 });
    await db.store.pool.query("update batch set expires_at = $1", [later(1_000)]);
    expect(await planSender(db.store.pool, batch.senderId, { now: later(1_000), horizonMs: 1000 })).toEqual([]);
    expect(await planSender(db.store.pool, batch.senderId, { now: later(999), horizonMs: 1000 })).toHaveLength(5);
  });
});

describe("offering again", () => {
  test("returns what has been queued for too long, once per interval", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 5 });
    await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 });
    const options = { now: later(20_000), queuedBefore: later(5_000), limit: 100 };
    expect(await reofferQueued(db.store.pool, batch.senderId, { ...options, queuedBefore: now })).toEqual([]);
    const offered = await reofferQueued(db.store.pool, batch.senderId, options);
    expect(offered.map((p) => p.messageId).toSorted()).toEqual(batch.messageIds.toSorted());
    expect(offered.every((p) => p.attempt === 1)).toBe(true);
    expect(await reofferQueued(db.store.pool, batch.senderId, options)).toEqual([]);
  });

  test("brings back at once what waited out a rest, or a pause of its batch, and once only", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 5 });
    await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 });
    const offered = async (ms: number) =>
      (await reofferQueued(db.store.pool, batch.senderId, { now: later(ms), queuedBefore: now, limit: 100 })).length;
    await db.store.pool.query("update sender set hold_until = $1", [later(2_000)]);
    expect([await offered(1_999), await offered(2_001), await offered(2_100)]).toEqual([0, 5, 0]);
    await db.store.pool.query("update batch set state = 5, updated_at = $1", [later(2_200)]);
    expect(await offered(2_300)).toBe(0);
    await db.store.pool.query("update batch set state = 2, updated_at = $1", [later(2_400)]);
    expect([await offered(2_500), await offered(2_600)]).toEqual([5, 0]);
  });
});
