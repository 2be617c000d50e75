import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { messageId, newBatchId } from "@wahub/domain";
import { BatchState, UnknownPolicy } from "@wahub/proto";
import { appendMessages, type NewMessage, type OwnedBatch } from "./append-messages.ts";
import { discardBatch, keepBatch, releaseBatch } from "./leave-batch.ts";
import { openBatch, type BatchOpening, type OpenedBatch } from "./open-batch.ts";
import { declareSender } from "./senders.ts";
import { startBatch } from "./start-batch.ts";
import { sweepBatches } from "./sweep-batches.ts";
import { createTestDatabase, readBalance, sampleSender, type TestDatabase } from "./testing/index.ts";
import { withTransaction } from "./transaction.ts";

const now = new Date("2026-03-01T12:00:00Z");
let db: TestDatabase;
let tenantId: string;
let senderId: string;

beforeAll(async () => {
  db = await createTestDatabase({ now });
  ({ tenantId, senderId } = await declareSender(db.store, { ...sampleSender, now }));
});
beforeEach(() => db.store.pool.query("truncate batch, batch_count, batch_count_delta, message"));
afterAll(() => db.drop());

function opening(idempotencyKey?: string): BatchOpening {
  return {
    id: newBatchId(now),
    idempotencyKey,
    senderId,
    content: '{"text":{"body":"Hello"}}',
    metadata: undefined,
    unknownPolicy: UnknownPolicy.ASSUME_SENT,
    validityS: undefined,
    openingHash: Buffer.from("opening"),
    owner: randomUUID(),
    ownedForMs: 60_000,
  };
}

const open = (wish: BatchOpening): Promise<OpenedBatch> =>
  withTransaction(db.store.pool, (client) => openBatch(client, tenantId, wish));
const ownedBy = (wish: BatchOpening, id = wish.id): OwnedBatch => ({ ...wish, id, createdAt: now });
const append = (batch: OwnedBatch, messages: readonly NewMessage[], received: number) =>
  withTransaction(db.store.pool, (client) =>
    appendMessages(client, tenantId, batch, messages, {
      received,
      hash: Buffer.from(`after ${received}`),
      rejectedCount: 1,
      rejected: [{ index: 0, reason: "phone number is empty" }],
    }),
  );
const start = (batch: OwnedBatch) =>
  withTransaction(db.store.pool, (client) => startBatch(client, tenantId, batch, now));

const tenantKey = Buffer.alloc(32, 1);

function newMessages(batchId: string, count: number, from = 0, metadata?: string): NewMessage[] {
  return Array.from({ length: count }, (_, i) => ({
    id: messageId(tenantKey, batchId, `+1415555${from + i}`),
    recipient: `+1415555${from + i}`,
    recipientKey: `+1415555${from + i}`,
    recipientHash: Buffer.from([i >> 8, i & 255, 9, 92]),
    metadata,
  }));
}
const stored = async (): Promise<number> =>
  (await db.store.pool.query<{ n: number }>("select count(*)::int as n from message")).rows[0]!.n;

describe("the intake of a batch", () => {
  test("stores recipients in chunks, with counts and progress, and starts the batch in the end", async () => {
    const wish = opening();
    expect(await open(wish)).toMatchObject({ kind: "owned", id: wish.id, progress: { received: 0, total: 0 } });
    const batch = ownedBy(wish);
    await append(batch, newMessages(batch.id, 700), 701);
    expect(await append(batch, newMessages(batch.id, 534, 700), 1235)).toMatchObject({ received: 1235, total: 1234 });
    await start(batch);
    expect(await readBalance(db.store, batch.id)).toEqual({
      total: 1_234,
      counted: { 1: 1_234 },
      stored: { 1: 1_234 },
    });
  });

  test("skips recipients it has already, so a repeated chunk changes nothing", async () => {
    const wish = opening();
    await open(wish);
    const batch = ownedBy(wish);
    await append(batch, newMessages(batch.id, 100), 100);
    expect(await append(batch, newMessages(batch.id, 150), 250)).toMatchObject({ total: 150 });
    expect(await readBalance(db.store, batch.id)).toMatchObject({
      total: 150,
      counted: { 1: 150 },
      stored: { 1: 150 },
    });
  });

  test("keeps metadata to the letter, whatever characters are in it", async () => {
    const value = {
      text: 'tab\t newline\n return\r backslash \\ quote " \\N 😀 \\.',
      nested: [1, null, { a: "\\\\" }],
    };
    const wish = opening();
    await open(wish);
    const [message] = newMessages(wish.id, 1, 0, JSON.stringify(value));
    await append(ownedBy(wish), [message!], 1);
    const { rows } = await db.store.pool.query("select metadata, recipient_hash from message where id = $1", [
      message!.id,
    ]);
    expect(rows[0]).toEqual({ metadata: value, recipient_hash: message!.recipientHash });
  });

  test("stores nothing of a chunk that cannot be stored as a whole", async () => {
    const wish = opening();
    await open(wish);
    const bad = { ...newMessages(wish.id, 1, 50)[0]!, metadata: "no json" };
    await expect(append(ownedBy(wish), [...newMessages(wish.id, 10), bad], 11)).rejects.toMatchObject({
      code: "22P02",
    });
    expect(await stored()).toBe(0);
  });
});

describe("an idempotency key", () => {
  test("belongs to one of twenty equal calls at once; the others find it taken", async () => {
    const wishes = Array.from({ length: 20 }, () => opening("key"));
    const opened = await Promise.all(wishes.map(open));
    expect(opened.filter(({ kind }) => kind === "owned")).toHaveLength(1);
    expect(opened.filter(({ kind }) => kind === "busy")).toHaveLength(19);
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
  });

  test("leads to the complete batch and its content hash once that runs", async () => {
    const wish = opening("key");
    await open(wish);
    await append(ownedBy(wish), newMessages(wish.id, 3), 4);
    await start(ownedBy(wish));
    expect(await open(opening("key"))).toEqual({
      kind: "complete",
      id: wish.id,
      progress: {
        received: 4,
        hash: Buffer.from("after 4"),
        total: 3,
        rejectedCount: 1,
        rejected: [{ index: 0, reason: "phone number is empty" }],
      },
    });
  });

  test("of a call that died is taken over with what was stored, and the dead one can do no more", async () => {
    const dead = { ...opening("key"), ownedForMs: -1 };
    await open(dead);
    await append(ownedBy(dead), newMessages(dead.id, 5), 5);
    const heir = { ...opening("key"), senderId: randomUUID() };
    expect(await open(heir)).toMatchObject({
      kind: "owned",
      id: dead.id,
      senderId,
      progress: { received: 5, total: 5 },
    });
    await expect(append(ownedBy(dead), newMessages(dead.id, 5, 5), 10)).rejects.toMatchObject({ kind: "unavailable" });
    await expect(start(ownedBy(dead))).rejects.toMatchObject({ kind: "unavailable" });
    expect(await stored()).toBe(5);
    await append(ownedBy(heir, dead.id), newMessages(dead.id, 5, 5), 10);
    await start(ownedBy(heir, dead.id));
  });

  test("is kept by signs of life and free at once when it is released", async () => {
    const wish = { ...opening("key"), ownedForMs: -1 };
    await open(wish);
    const held = { batchId: wish.id, owner: wish.owner };
    expect(await keepBatch(db.store.pool, tenantId, held, 60_000)).toBe(true);
    expect(await open(opening("key"))).toMatchObject({ kind: "busy" });
    await releaseBatch(db.store.pool, tenantId, held);
    expect(await open(opening("key"))).toMatchObject({ kind: "owned", id: wish.id });
    expect(await keepBatch(db.store.pool, tenantId, held, 60_000)).toBe(false);
  });

  test("of a discarded batch is free for another one", async () => {
    const wish = opening("key");
    await open(wish);
    await discardBatch(db.store.pool, tenantId, { batchId: wish.id, owner: wish.owner });
    const second = opening("key");
    expect(await open(second)).toMatchObject({ kind: "owned", id: second.id });
  });
});

describe("sweeping", () => {
  const sweep = (abandonedBefore: Date) => sweepBatches(db.store.pool, { abandonedBefore, rowsPerRound: 100 });

  test("clears a batch that nobody came back for, a piece at a time, and leaves the others alone", async () => {
    const [left, running, young] = [{ ...opening(), ownedForMs: -3_600_000 }, opening(), opening("key")];
    for (const wish of [left, running, young]) {
      await open(wish);
      await append(ownedBy(wish), newMessages(wish.id, 250), 250);
    }
    // The last sign of life was the append.
    await db.store.pool.query("update batch set owned_until = now() - interval '1 hour' where id = $1", [left.id]);
    await start(ownedBy(running));
    const anHourAgo = new Date(Date.now() - 1_800_000);
    expect(await sweep(anHourAgo)).toEqual({ abandoned: 1, deleted: 0, more: true });
    expect(await stored()).toBe(650);
    expect(await sweep(anHourAgo)).toEqual({ abandoned: 0, deleted: 0, more: true });
    expect(await sweep(anHourAgo)).toEqual({ abandoned: 0, deleted: 1, more: true });
    expect(await sweep(anHourAgo)).toEqual({ abandoned: 0, deleted: 0, more: false });
    expect(await stored()).toBe(500);
    const { rows } = await db.store.pool.query("select id, state from batch order by state");
    expect(rows).toEqual([
      { id: young.id, state: BatchState.ACCEPTING },
      { id: running.id, state: BatchState.RUNNING },
    ]);
  });
});
