import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BatchState, MessageStatus } from "@wahub/proto";
import { cancelBatch } from "./cancel-batch.ts";
import { cancelWaiting, expireWaiting, type ClosedWaiting } from "./close-waiting.ts";
import { foldCounts } from "./fold-counts.ts";
import { pauseBatch } from "./pause-batch.ts";
import { planSender } from "./plan-messages.ts";
import { readBatch } from "./read-batch.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import { createStore } from "./store.ts";
import {
  claimAll,
  createTestDatabase,
  readBalance,
  startDatabaseLine,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);
const { ACCEPTED, QUEUED, SENDING, UNKNOWN, SUBMITTED, CANCELED, EXPIRED } = MessageStatus;
let db: TestDatabase;

beforeEach(async () => {
  db = await createTestDatabase({ now });
});
afterEach(() => db.drop());

const cancel = (batch: SampleBatch) => cancelBatch(db.store.pool, batch.tenantId, batch.id, { now });
const read = async (batch: SampleBatch) => (await readBatch(db.store.pool, batch.tenantId, batch.id))!;
const fold = (at = now) => foldCounts(db.store.pool, { now: at, limit: 100_000 });
const closing = { cancel: cancelWaiting, expire: expireWaiting };
const round = (act: keyof typeof closing, at = now, limit = 100): Promise<ClosedWaiting> =>
  closing[act](db.store.pool, { now: at, limit });

async function expectStored(batch: SampleBatch, stored: Record<number, number>): Promise<void> {
  const balance = await readBalance(db.store, batch.id);
  expect(balance.stored).toEqual(stored);
  expect(balance.counted).toEqual(stored);
}

/** A batch with 10 accepted, 8 queued and 2 that are being sent. */
async function midway(options: { expiresAt?: Date } = {}): Promise<SampleBatch> {
  const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 20, ...options });
  const claims = await claimAll(db.store, batch, now);
  const back = claims.slice(2).map((claim) => claim.messageId);
  await give(batch, back, ACCEPTED);
  await planSender(db.store.pool, batch.senderId, { now, horizonMs: 100 });
  await expectStored(batch, { [ACCEPTED]: 10, [QUEUED]: 8, [SENDING]: 2 });
  return batch;
}

/** Reports what the attempts under way came to. */
async function give(batch: SampleBatch, ids: readonly string[], status: typeof ACCEPTED | typeof SUBMITTED) {
  const { rows } = await db.store.pool.query<{ id: string; attempt: number; claim_token: string }>(
    "select id, attempt, claim_token from message where id = any($1)",
    [ids],
  );
  await recordOutcomes(
    db.store.pool,
    rows.map(({ id, attempt, claim_token: token }) => ({
      tenantId: batch.tenantId,
      messageId: id,
      attempt,
      token,
      result:
        status === SUBMITTED
          ? { status, sid: `SM${id}` }
          : { status, nextAt: now, spendsTry: false, errorCode: 20429, errorMessage: "too fast" },
    })),
    now,
  );
}

async function sending(batch: SampleBatch): Promise<string[]> {
  const { rows } = await db.store.pool.query<{ id: string }>(
    "select id from message where batch_id = $1 and status = $2",
    [batch.id, SENDING],
  );
  return rows.map((row) => row.id);
}

describe.each([
  ["a canceled batch", "cancel", CANCELED, cancel, now],
  ["a batch whose time is over", "expire", EXPIRED, async () => undefined, later(1_000)],
] as const)("closing what waits in %s", (_name, act, closed, begin, at) => {
  test("moves accepted and queued messages and leaves to its sender what is on its way", async () => {
    const batch = await midway({ expiresAt: later(1_000) });
    await begin(batch);
    expect(await round(act, at)).toEqual({ messages: 18, more: false });
    await expectStored(batch, { [closed]: 18, [SENDING]: 2 });
    expect(await round(act, at)).toEqual({ messages: 0, more: false });
  });

  test("goes by chunks, the queued ones first: they take up the sender's inventory", async () => {
    const batch = await midway({ expiresAt: later(1_000) });
    await begin(batch);
    expect(await round(act, at, 8)).toEqual({ messages: 8, more: true });
    await expectStored(batch, { [ACCEPTED]: 10, [closed]: 8, [SENDING]: 2 });
    expect(await round(act, at, 8)).toEqual({ messages: 8, more: true });
    expect(await round(act, at, 8)).toEqual({ messages: 2, more: false });
    await expectStored(batch, { [closed]: 18, [SENDING]: 2 });
  });

  test("writes an event for each and changes no time but updated_at", async () => {
    const batch = await midway({ expiresAt: later(1_000) });
    await begin(batch);
    await round(act, at);
    const { rows } = await db.store.pool.query(
      `select distinct m.updated_at, m.submitted_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at, e.at, e.source,
              e.attempt = m.attempt as same_attempt
       from message m join message_event e on e.message_id = m.id and e.status = m.status
       where m.batch_id = $1 and m.status = $2`,
      [batch.id, closed],
    );
    const untouched = { submitted_at: null, sent_at: null, delivered_at: null, read_at: null, failed_at: null };
    expect(rows).toEqual([{ updated_at: at, at, source: 1, same_attempt: true, ...untouched }]);
  });

  test("comes back for what a sender gives back afterwards", async () => {
    const batch = await midway({ expiresAt: later(1_000) });
    const ids = await sending(batch);
    await begin(batch);
    await round(act, at);
    await give(batch, ids, ACCEPTED);
    // The way back may lead straight there, too.
    await round(act, at);
    await expectStored(batch, { [closed]: 20 });
  });

  test("waits for nobody: a row that somebody holds is left for the next round", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 10, expiresAt: later(1_000) });
    await begin(batch);
    const holder = await db.store.pool.connect();
    try {
      await holder.query("begin");
      await holder.query("select from message where id = $1 for update", [batch.messageIds[3]]);
      expect(await round(act, at)).toEqual({ messages: 9, more: false });
    } finally {
      await holder.query("rollback");
      holder.release();
    }
    expect(await round(act, at)).toEqual({ messages: 1, more: false });
  });

  test("done by many replicas at once moves each message once", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 3_000, expiresAt: later(1_000) });
    await begin(batch);
    const replica = async (): Promise<number> => {
      for (let moved = 0; ;) {
        const done = await round(act, at, 100);
        moved += done.messages;
        if (done.messages === 0 && (await readBalance(db.store, batch.id)).stored[ACCEPTED] === undefined) return moved;
      }
    };
    const moved = await Promise.all([replica(), replica(), replica()]);
    expect(moved.reduce((sum, n) => sum + n)).toBe(3_000);
    await expectStored(batch, { [closed]: 3_000 });
    await fold();
    expect(await read(batch)).toMatchObject({ completedAt: now, settledAt: now });
  });

  test("and a claim at the same moment: each message goes to one of them", async () => {
    for (let turn = 0; turn < 5; turn++) {
      const batch = await storeSampleBatch(db.store, {
        createdAt: later(turn),
        recipients: 300,
        expiresAt: later(1_000),
      });
      const [claims] = await Promise.all([
        claimAll(db.store, batch, later(turn)),
        begin(batch).then(() => round(act, at, 1_000)),
      ]);
      while ((await round(act, at, 1_000)).messages > 0);
      const sent = claims.filter((claim) => batch.messageIds.includes(claim.messageId)).length;
      const { stored, counted } = await readBalance(db.store, batch.id);
      expect([stored[SENDING] ?? 0, stored[closed] ?? 0]).toEqual([sent, 300 - sent]);
      expect(counted).toEqual(stored);
    }
  });

  test("cut off anywhere, is taken up by the next one and doubles nothing", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 2_000, expiresAt: later(1_000) });
    await begin(batch);
    const line = await startDatabaseLine(db.databaseUrl);
    const store = createStore({ databaseUrl: line.databaseUrl, applicationName: "doomed", poolMax: 2 });
    try {
      for (let cuts = 0; cuts < 8; cuts++) {
        line.mend();
        const doomed = (async () => {
          while ((await closing[act](store.pool, { now: at, limit: 50 })).messages > 0);
        })().catch(() => undefined);
        await sleep(10 + 7 * cuts);
        line.cut();
        await doomed;
        await untilGone("doomed");
        const { stored, counted } = await readBalance(db.store, batch.id);
        expect(counted).toEqual(stored);
      }
    } finally {
      await store.close();
      await line.close();
    }
    while ((await readBalance(db.store, batch.id)).stored[ACCEPTED] !== undefined) await round(act, at, 500);
    await expectStored(batch, { [closed]: 2_000 });
  });
});

/** PostgreSQL finishes what it was told before it notices that the other end is gone. */
async function untilGone(applicationName: string): Promise<void> {
  const connected = "select from pg_stat_activity where application_name = $1";
  while ((await db.store.pool.query(connected, [applicationName])).rowCount !== 0) await sleep(5);
}

describe("canceling", () => {
  test("touches no batch that runs, is paused or is completed", async () => {
    const batch = await midway();
    expect(await round("cancel")).toEqual({ messages: 0, more: false });
    await pauseBatch(db.store.pool, batch.tenantId, batch.id, { code: 0, reason: "", now });
    expect(await round("cancel")).toEqual({ messages: 0, more: false });
  });

  test("takes up many batches in turn", async () => {
    const batches = [];
    for (let at = 0; at < 25; at++)
      batches.push(await storeSampleBatch(db.store, { createdAt: later(at), recipients: 2 }));
    for (const batch of batches) await cancel(batch);
    expect(await round("cancel")).toEqual({ messages: 40, more: true });
    expect(await round("cancel")).toEqual({ messages: 10, more: false });
  });

  test("the batch is completed when nothing is on its way, settled when nothing is expected any more, and stays canceled", async () => {
    const batch = await midway();
    const [first, second] = await sending(batch);
    await cancel(batch);
    await round("cancel");
    await give(batch, [first!], SUBMITTED);
    await fold(later(1));
    expect(await read(batch)).toMatchObject({ state: BatchState.CANCELED, completedAt: undefined });
    await db.store.pool.query("update message set status = $2 where id = $1", [second, UNKNOWN]);
    await db.store.pool.query(
      "insert into batch_count_delta (tenant_id, batch_id, status, error_code, n) values ($1, $2, $3, 0, -1), ($1, $2, $4, 0, 1)",
      [batch.tenantId, batch.id, SENDING, UNKNOWN],
    );
    await fold(later(2));
    expect(await read(batch)).toMatchObject({ state: BatchState.CANCELED, completedAt: undefined });
    await give(batch, [second!], SUBMITTED);
    expect(await fold(later(3))).toMatchObject({ completed: [{ state: BatchState.CANCELED }], settled: [] });
    expect(await read(batch)).toMatchObject({
      state: BatchState.CANCELED,
      completedAt: later(3),
      settledAt: undefined,
    });
  });
});

describe("expiring", () => {
  test("waits for the time, and counts for paused batches as well", async () => {
    const batch = await midway({ expiresAt: later(1_000) });
    expect(await round("expire", later(999))).toEqual({ messages: 0, more: false });
    await pauseBatch(db.store.pool, batch.tenantId, batch.id, { code: 0, reason: "", now });
    expect(await round("expire", later(1_000))).toEqual({ messages: 18, more: false });
  });

  test("leaves a canceled batch to canceling", async () => {
    const batch = await midway({ expiresAt: later(1_000) });
    await cancel(batch);
    expect(await round("expire", later(2_000))).toEqual({ messages: 0, more: false });
    await round("cancel", later(2_000));
    await expectStored(batch, { [CANCELED]: 18, [SENDING]: 2 });
  });

  test("completes the batch when nothing of it is left", async () => {
    const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 3, expiresAt: later(1_000) });
    await round("expire", later(1_000));
    expect(await fold(later(2_000))).toMatchObject({
      completed: [{ batchId: batch.id, state: BatchState.COMPLETED }],
      settled: [{ batchId: batch.id }],
    });
    expect(await read(batch)).toMatchObject({ expiresAt: later(1_000), completedAt: later(2_000) });
  });
});
