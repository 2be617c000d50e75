import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { BatchState, MessageStatus, type Batch } from "@wahub/proto";
import { flushRedis, startStack, type Stack } from "@wahub/stack";
import { connectHub, fictionalPhones, type Hub } from "./hub.ts";
import { ledgerOf, turnKnobs } from "./ledger.ts";

// What a campaign costs that meets the loss of Redis, of PostgreSQL and of senders: time, and nothing else.

const { SENDING, UNKNOWN, SUBMITTED } = MessageStatus;
const senders = 2;
const concurrency = 16;
const leaseMs = 7_000;
let stack: Stack;
let hub: Hub;

beforeAll(async () => {
  stack = await startStack({
    replicas: { sender: senders },
    env: {
      dispatch: { SENDER_MESSAGES_PER_SECOND: "100", REOFFER_AFTER_MS: "3000" },
      sender: {
        SENDER_CONCURRENCY: `${concurrency}`,
        LEASE_MS: `${leaseMs}`,
        SEND_WINDOW_MS: "2000",
        // Long, so that a busy machine makes nothing unknown.
        TWILIO_TIMEOUT_MS: "4500",
      },
      "webhook-ingest": { LEASE_SWEEP_EVERY_MS: "500" },
    },
  });
  hub = connectHub(stack);
  await turnKnobs(stack, { latencyMs: 150, latencyJitterMs: 100 });
});
afterAll(async () => {
  hub?.close();
  await stack?.stop();
});

async function send(count: number, areaCode?: number): Promise<{ batchId: string; phones: string[] }> {
  const phones = fictionalPhones(count, areaCode);
  const content = { kind: { case: "text" as const, value: { body: "Your parcel arrives tomorrow." } } };
  const recipients = phones.map((phone) => ({ phone }));
  const { batchId } = await hub.dispatch.bulkSend({ content, recipients }, hub.call);
  return { batchId, phones };
}

const countOf = ({ counts }: Batch, wanted: (status: MessageStatus) => boolean): number =>
  counts.reduce((sum, { status, count }) => (wanted(status) ? sum + count : sum), 0);
const gone = (batch: Batch): number => countOf(batch, (status) => status >= SUBMITTED);

/** The batch as soon as it is like this, asked for again while the hub is unavailable. */
async function until(batchId: string, condition: (batch: Batch) => boolean): Promise<Batch> {
  for (;;) {
    const batch = await hub.status.getBatch({ batchId }, hub.call).then(
      (answer) => answer.batch!,
      (error: unknown) => {
        if (error instanceof HubError && error.kind === "unavailable") return undefined;
        throw error;
      },
    );
    if (batch && condition(batch)) return batch;
    await sleep(50);
  }
}

const completed = (batchId: string): Promise<Batch> => until(batchId, ({ state }) => state === BatchState.COMPLETED);

/** Everybody got exactly one message of the batch, the database knows which, and the sum balances. */
async function expectOneEach({ batchId, phones }: { batchId: string; phones: readonly string[] }): Promise<void> {
  const batch = await completed(batchId);
  expect(countOf(batch, () => true)).toBe(phones.length);
  const messages = await hub.messages(batchId);
  const ledger = await ledgerOf(stack, messages);
  expect(ledger.map(({ to }) => to).toSorted()).toEqual(phones.map((phone) => `whatsapp:${phone}`).toSorted());
  expect(messages.map(({ twilioSid }) => twilioSid).toSorted()).toEqual(ledger.map(({ sid }) => sid).toSorted());
}

/** A counter of all senders together. */
async function counter(name: string): Promise<number> {
  const texts = await Promise.all(
    stack
      .replicas("sender")
      .map(async ({ ports }) => (await fetch(`http://127.0.0.1:${ports["admin"]}/metrics`)).text()),
  );
  const values = texts.flatMap((text) => [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, "gm"))]);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

describe("Redis loses everything in the middle of three batches", () => {
  test("by FLUSHALL, twice: the work goes on within seconds, and everybody gets one message of each", async () => {
    const batches = [await send(300), await send(300, 617), await send(300, 718)];
    const last = batches.at(-1)!.batchId;
    for (const enough of [40, 150]) {
      await Promise.all(batches.map(({ batchId }) => until(batchId, (batch) => gone(batch) >= enough)));
      await flushRedis(stack.urls.redisUrl);
      const before = gone(await until(last, () => true));
      const begun = performance.now();
      await until(last, (batch) => gone(batch) > Math.min(before + 40, 299));
      expect(performance.now() - begun).toBeLessThan(10_000);
    }
    for (const batch of batches) await expectOneEach(batch);
  }, 60_000);

  test("by a crash and an empty restart: the same", async () => {
    const batches = [await send(150), await send(150, 617), await send(150, 718)];
    await Promise.all(batches.map(({ batchId }) => until(batchId, (batch) => gone(batch) >= 30)));
    await stack.redis!.kill();
    await sleep(500);
    await stack.redis!.start();
    for (const batch of batches) await expectOneEach(batch);
  }, 60_000);
});

describe("PostgreSQL is away for longer than a lease in the middle of a batch", () => {
  test("outcomes wait in Redis, nothing stays unknown, and everybody gets one message", async () => {
    const batch = await send(250, 412);
    await until(batch.batchId, (one) => gone(one) >= 50);
    await stack.postgres!.kill();
    while ((await counter("whatsapphub_outcomes_spooled_total")) === 0) await sleep(50);
    await sleep(leaseMs + 500);
    await stack.postgres!.start();
    await expectOneEach(batch);
    expect(await counter("whatsapphub_outcomes_drained_total")).toBeGreaterThan(0);
    expect(await counter("whatsapphub_outcomes_lost_total")).toBe(0);
    expect(await counter("whatsapphub_spool_entries")).toBe(0);
  }, 60_000);
});

describe("one of two senders", () => {
  test("that is told to stop finishes what it has in hand; the other one does the rest", async () => {
    const batch = await send(200, 513);
    await until(batch.batchId, (one) => gone(one) >= 40);
    await stack.service("sender", 1).stop();
    const afterwards = await until(batch.batchId, () => true);
    // What is in hand now is the other one's.
    expect(countOf(afterwards, (status) => status === SENDING)).toBeLessThanOrEqual(concurrency);
    expect(countOf(afterwards, (status) => status === UNKNOWN)).toBe(0);
    await expectOneEach(batch);
    await stack.service("sender", 1).restart();
  }, 60_000);

  test("that is killed leaves leases and nothing else: what it had in hand is unknown, nobody gets it twice", async () => {
    const batch = await send(200, 614);
    await until(batch.batchId, (one) => gone(one) >= 40);
    await stack.service("sender", 1).kill();
    const isOver = (one: Batch): boolean => countOf(one, (status) => status < UNKNOWN) === 0;
    const left = await until(batch.batchId, isOver);
    const unknown = countOf(left, (status) => status === UNKNOWN);
    expect(unknown).toBeLessThanOrEqual(concurrency);
    const messages = await hub.messages(batch.batchId);
    const ledger = await ledgerOf(stack, messages);
    const recipients = ledger.map(({ to }) => to);
    expect(new Set(recipients).size).toBe(recipients.length);
    const sids = new Set(ledger.map(({ sid }) => sid));
    const known = messages.filter(({ twilioSid }) => twilioSid !== "");
    expect(known.every(({ twilioSid }) => sids.has(twilioSid))).toBe(true);
    expect(known.length).toBeGreaterThanOrEqual(200 - concurrency);
    await stack.service("sender", 1).restart();
  }, 60_000);
});
