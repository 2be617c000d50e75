import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { unfinishedStatuses } from "@wahub/domain";
import { BatchState, MessageStatus } from "@wahub/proto";
import { cancelBatch } from "./cancel-batch.ts";
import type { Claim } from "./claim-messages.ts";
import { cancelWaiting } from "./close-waiting.ts";
import { foldCounts } from "./fold-counts.ts";
import { pauseBatch } from "./pause-batch.ts";
import { readBatch } from "./read-batch.ts";
import { recordOutcomes } from "./record-outcomes.ts";
import { resumeBatch } from "./resume-batch.ts";
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
const { ACCEPTED, UNKNOWN, SUBMITTED, FAILED } = MessageStatus;
let db: TestDatabase;

beforeEach(async () => {
  db = await createTestDatabase({ now, poolMax: 12 });
});
afterEach(() => db.drop());

const store = (recipients: number) => storeSampleBatch(db.store, { createdAt: now, recipients });
const fold = (limit = 10_000) => foldCounts(db.store.pool, { now, limit });
const read = async ({ tenantId, id }: SampleBatch) => (await readBatch(db.store.pool, tenantId, id))!;
const pause = ({ tenantId, id }: SampleBatch) => pauseBatch(db.store.pool, tenantId, id, { code: 0, reason: "", now });
const resume = ({ tenantId, id }: SampleBatch) => resumeBatch(db.store.pool, tenantId, id, { now });
const cancel = ({ tenantId, id }: SampleBatch) => cancelBatch(db.store.pool, tenantId, id, { now });

/** Reports what the attempts came to. */
const report = (
  claims: readonly Claim[],
  status: typeof ACCEPTED | typeof UNKNOWN | typeof SUBMITTED | typeof FAILED,
) =>
  recordOutcomes(
    db.store.pool,
    claims.map(({ tenantId, messageId, attempt, token }) => {
      const failure = { errorCode: 30008, errorMessage: "refused" };
      const result =
        status === SUBMITTED
          ? { status, sid: `SM${messageId}/${attempt}` }
          : status === ACCEPTED
            ? { status, nextAt: now, spendsTry: false, ...failure }
            : status === FAILED
              ? { status, ...failure }
              : { status, errorMessage: "timeout" };
      return { tenantId, messageId, attempt, token, result };
    }),
    now,
  );

async function openMessages(batchId: string): Promise<number> {
  const { rows } = await db.store.pool.query<{ n: number }>(
    "select count(*)::int as n from message where batch_id = $1 and status = any($2)",
    [batchId, unfinishedStatuses],
  );
  return rows[0]!.n;
}

describe("a batch is completed", () => {
  test("while it is paused, when what was on its way was the last of it", async () => {
    const batch = await store(2);
    const claims = await claimAll(db.store, batch, now);
    await pause(batch);
    await report(claims, SUBMITTED);
    expect(await fold()).toMatchObject({ completed: [{ state: BatchState.COMPLETED }], settled: [] });
    expect(await read(batch)).toMatchObject({ state: BatchState.COMPLETED, pause: undefined, completedAt: now });
    expect(await resume(batch)).toMatchObject({ changed: false, batch: { state: BatchState.COMPLETED } });
  });

  test("not while it is paused with a message waiting", async () => {
    const batch = await store(2);
    const claims = await claimAll(db.store, batch, now);
    await pause(batch);
    await report(claims.slice(0, 1), SUBMITTED);
    await report(claims.slice(1), ACCEPTED);
    expect(await fold()).toMatchObject({ completed: [], settled: [] });
  });

  test("or canceled, where both come at the same moment, and is done with in either case", async () => {
    for (let round = 0; round < 20; round++) {
      const batch = await store(2);
      const claims = await claimAll(db.store, batch, now);
      await report(claims, FAILED);
      const [change] = await Promise.all([cancel(batch), fold()]);
      const state = change!.changed ? BatchState.CANCELED : BatchState.COMPLETED;
      expect(await read(batch)).toMatchObject({ state, completedAt: now, settledAt: now });
    }
  });

  test("not while a transaction is under way that leads a message back", async () => {
    const batch = await store(1);
    await report(await claimAll(db.store, batch, now), UNKNOWN);
    const other = await db.store.pool.connect();
    try {
      await other.query("begin");
      await other.query("update message set status = $1", [ACCEPTED]);
      await other.query(
        `insert into batch_count_delta (tenant_id, batch_id, status, error_code, n) values ($1, $2, $3, 0, -1), ($1, $2, $4, 0, 1)`,
        [batch.tenantId, batch.id, UNKNOWN, ACCEPTED],
      );
      expect((await fold()).completed).toEqual([]);
      await other.query("commit");
    } finally {
      other.release();
    }
    expect((await fold()).completed).toEqual([]);
    await report(await claimAll(db.store, batch, now), SUBMITTED);
    expect((await fold()).completed).toMatchObject([{ batchId: batch.id }]);
  });

  test("only when it is true, with senders, folding replicas and callers at work at once", async () => {
    const batches = [await store(60), await store(60), await store(60)];
    let luck = 7;
    const dice = (sides: number): number => (luck = (luck * 48_271) % 2_147_483_647) % sides;
    let over = false;
    const done: string[] = [];
    const folding = async (): Promise<void> => {
      while (!over) {
        for (const { batchId } of (await fold(20)).completed) {
          done.push(batchId);
          expect(await openMessages(batchId)).toBe(0);
        }
      }
    };
    const sending = async (): Promise<void> => {
      while (!over) {
        const claims = await claimAll(db.store, batches[0]!, now);
        for (const claim of claims) await report([claim], [ACCEPTED, SUBMITTED, FAILED, SUBMITTED][dice(4)]!);
      }
    };
    const calling = async (): Promise<void> => {
      for (let calls = 0; calls < 30; calls++) await [pause, resume][dice(2)]!(batches[dice(3)]!);
      await cancel(batches[2]!);
      for (const batch of batches) await resume(batch);
      while (done.length < batches.length) await cancelWaiting(db.store.pool, { now, limit: 20 });
      over = true;
    };
    await Promise.all(
      [folding(), folding(), sending(), sending(), calling()].map((work) => work.finally(() => (over = true))),
    );
    expect(done.toSorted()).toEqual(batches.map(({ id }) => id).toSorted());
    for (const batch of batches) {
      expect(await openMessages(batch.id)).toBe(0);
      const { stored, counted } = await readBalance(db.store, batch.id);
      expect(counted).toEqual(stored);
    }
  }, 60_000);
});

test("a fold that is cut off anywhere is done again by the next one, and the sums stay", async () => {
  const batch = await store(300);
  for (const claim of await claimAll(db.store, batch, now)) await report([claim], SUBMITTED);
  const before = await readBalance(db.store, batch.id);
  const line = await startDatabaseLine(db.databaseUrl);
  const doomedStore = createStore({ databaseUrl: line.databaseUrl, applicationName: "doomed", poolMax: 2 });
  try {
    for (let cuts = 0; cuts < 8; cuts++) {
      line.mend();
      const doomed = (async () => {
        while ((await foldCounts(doomedStore.pool, { now, limit: 5 })).folded > 0);
      })().catch(() => undefined);
      await sleep(10 + 7 * cuts);
      line.cut();
      await doomed;
      expect(await readBalance(db.store, batch.id)).toEqual(before);
    }
  } finally {
    await doomedStore.close();
    await line.close();
  }
  while ((await fold()).folded > 0);
  expect(await readBalance(db.store, batch.id)).toEqual(before);
  expect(await read(batch)).toMatchObject({ state: BatchState.COMPLETED });
});
