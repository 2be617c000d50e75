import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BatchState, MessageStatus } from "@wahub/proto";
import { cancelBatch } from "./cancel-batch.ts";
import { claimMessages } from "./claim-messages.ts";
import { foldCounts } from "./fold-counts.ts";
import { pauseBatch } from "./pause-batch.ts";
import { planSender } from "./plan-messages.ts";
import type { PlannedMessage } from "./planned-message.ts";
import { resumeBatch } from "./resume-batch.ts";
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
const { ACCEPTED, QUEUED, SENDING } = MessageStatus;
let db: TestDatabase;
let batch: SampleBatch;

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 10 });
});
afterEach(() => db.drop());

const pause = (reason = "a mistake in the text", at = now) =>
  pauseBatch(db.store.pool, batch.tenantId, batch.id, { code: 0, reason, now: at });
const resume = () => resumeBatch(db.store.pool, batch.tenantId, batch.id, { now: later(1) });
const cancel = (at = now) => cancelBatch(db.store.pool, batch.tenantId, batch.id, { now: at });
const plan = () => planSender(db.store.pool, batch.senderId, { now, horizonMs: 1_000 });
const claim = async (planned: readonly PlannedMessage[]) =>
  (
    await claimMessages(
      db.store.pool,
      planned.map(({ tenantId, messageId, attempt }) => ({ tenantId, messageId, attempt, token: randomUUID() })),
      { now, leaseMs: 60_000 },
    )
  ).filter((granted) => granted !== undefined);

async function expectStored(stored: Record<number, number>): Promise<void> {
  const balance = await readBalance(db.store, batch.id);
  expect(balance.stored).toEqual(stored);
  expect(balance.counted).toEqual(balance.stored);
}

describe("pausing a batch", () => {
  test("says why and since when, and nothing of it is planned or claimed", async () => {
    const planned = await plan();
    expect(planned).toHaveLength(10);
    expect(await pause()).toMatchObject({
      changed: true,
      batch: { state: BatchState.PAUSED, pause: { code: 0, reason: "a mistake in the text", at: now }, updatedAt: now },
    });
    expect(await claim(planned)).toEqual([]);
    expect(await plan()).toEqual([]);
  });

  test("puts what was queued back, which spends neither attempt nor try, and leaves what is claimed to its sender", async () => {
    const planned = await plan();
    await claim(planned.slice(0, 4));
    await pause();
    await expectStored({ [ACCEPTED]: 6, [SENDING]: 4 });
    const { rows } = await db.store.pool.query(
      "select distinct attempt, tries from message where batch_id = $1 and status = $2",
      [batch.id, ACCEPTED],
    );
    expect(rows).toEqual([{ attempt: 0, tries: 0 }]);
  });

  test("does not keep the sender from its other batches", async () => {
    const fill = { now: later(1), horizonMs: 100 };
    expect(await planSender(db.store.pool, batch.senderId, fill)).toHaveLength(8);
    const other = await storeSampleBatch(db.store, { createdAt: later(1), recipients: 8 });
    expect(await planSender(db.store.pool, batch.senderId, fill)).toEqual([]);
    await pause();
    const planned = await planSender(db.store.pool, batch.senderId, fill);
    expect(planned.map(({ messageId }) => messageId).toSorted()).toEqual(other.messageIds.toSorted());
  });

  test("twice keeps the first reason", async () => {
    await pause("first");
    expect(await pause("second", later(5))).toMatchObject({
      changed: false,
      batch: { state: BatchState.PAUSED, pause: { reason: "first", at: now } },
    });
  });

  test("while the planner is at work leaves nothing queued, whoever comes first", async () => {
    for (let round = 0; round < 20; round++) {
      const [planned] = await Promise.all([plan(), pause()]);
      expect(await claim(planned)).toEqual([]);
      await expectStored({ [ACCEPTED]: 10 });
      await resume();
    }
  });
});

describe("resuming a batch", () => {
  test("lets it go on at once, with the attempts it had", async () => {
    await plan();
    await pause();
    expect(await resume()).toMatchObject({
      changed: true,
      batch: { state: BatchState.RUNNING, pause: undefined, updatedAt: later(1) },
    });
    const planned = await plan();
    expect(planned.map(({ attempt }) => attempt)).toEqual(Array<number>(10).fill(1));
    expect(await claim(planned)).toHaveLength(10);
  });

  test("of one that runs changes nothing", async () => {
    expect(await resume()).toMatchObject({ changed: false, batch: { state: BatchState.RUNNING, updatedAt: now } });
  });
});

describe("canceling a batch", () => {
  test.each(["running", "paused"])("that is %s keeps anything more from leaving", async (state) => {
    const planned = await plan();
    if (state === "paused") await pause();
    expect(await cancel(later(1))).toMatchObject({
      changed: true,
      batch: { state: BatchState.CANCELED, canceledAt: later(1), pause: undefined, completedAt: undefined },
    });
    expect(await claim(planned)).toEqual([]);
    expect(await plan()).toEqual([]);
    await expectStored({ [state === "paused" ? ACCEPTED : QUEUED]: 10 });
  });

  test("is final: neither resumed nor paused again, and the time stays", async () => {
    await cancel();
    for (const attempt of [resume, pause, () => cancel(later(9))]) {
      expect(await attempt()).toMatchObject({
        changed: false,
        batch: { state: BatchState.CANCELED, canceledAt: now, updatedAt: now },
      });
    }
  });
});

describe("batches that cannot be changed", () => {
  test.each([BatchState.ACCEPTING, BatchState.COMPLETED, BatchState.DISCARDING])("in state %i", async (state) => {
    await db.store.pool.query("update batch set state = $2 where id = $1", [batch.id, state]);
    for (const attempt of [pause, resume, cancel]) {
      expect(await attempt()).toMatchObject({ changed: false, batch: { state } });
    }
  });

  test("of somebody else, or that do not exist", async () => {
    for (const [tenantId, id] of [
      [randomUUID(), batch.id],
      [batch.tenantId, randomUUID()],
    ] as const) {
      expect(await pauseBatch(db.store.pool, tenantId, id, { code: 0, reason: "", now })).toBeUndefined();
      expect(await resumeBatch(db.store.pool, tenantId, id, { now })).toBeUndefined();
      expect(await cancelBatch(db.store.pool, tenantId, id, { now })).toBeUndefined();
    }
    await claimAll(db.store, batch, now);
    await expectStored({ [SENDING]: 10 });
  });
});

test("many calls at once, with the planner between them, keep the sum in balance and leave nothing queued behind", async () => {
  for (let round = 0; round < 10; round++) {
    await Promise.all([pause(), plan(), resume(), pause(), plan(), foldCounts(db.store.pool, { now, limit: 100 })]);
    const balance = await readBalance(db.store, batch.id);
    expect(balance.counted).toEqual(balance.stored);
    await pause();
    await expectStored({ [ACCEPTED]: 10 });
    await resume();
  }
});
