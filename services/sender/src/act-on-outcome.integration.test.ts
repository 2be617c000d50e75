import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { SendOutcome } from "@wahub/domain";
import { BatchState, MessageStatus } from "@wahub/proto";
import { SendMessageJobSchema, type SendMessageJob } from "@wahub/proto/jobs";
import { createStore, listSenders, planSender, type StoredSender } from "@wahub/store";
import {
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "@wahub/store/testing";
import { createActOnOutcome } from "./act-on-outcome.ts";
import { eventsInTest, senderInTest } from "./testing/sender-in-test.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (ms: number): Date => new Date(now.getTime() + ms);
const unknown: SendOutcome = { kind: "unknown", why: "timeout" };
const submitted: SendOutcome = { kind: "submitted", sid: "SM1" };
const paused = (scope: "account" | "sender" | "batch" | "country", code: number): SendOutcome => ({
  kind: "paused",
  code,
  scope,
  message: "why",
});
let db: TestDatabase;
let batch: SampleBatch;
let seen: ReturnType<typeof eventsInTest>;

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 30 });
  seen = eventsInTest();
});
afterEach(() => db.drop());

/** Acts for good, at this time. */
const actAt = (at: Date, store = db.store) =>
  createActOnOutcome({
    store,
    events: seen.events,
    now: () => at,
    random: () => 0.5,
    policy: {
      probeWaits: { firstMs: 60_000, maxMs: 3_600_000 },
      restMs: 1_000,
      paceRecoveryMs: 60_000,
      breakerUnknowns: 10,
    },
  });

/** A sender at this time, on a Twilio that answers like this. */
const senderAt = (at: Date, outcome: SendOutcome, store = db.store) =>
  senderInTest(db.store, at, outcome, { actOnOutcome: actAt(at, store), events: seen.events });

async function jobsAt(at: Date, horizonMs = 1_000): Promise<SendMessageJob[]> {
  const messages = await planSender(db.store.pool, batch.senderId, { now: at, horizonMs });
  return messages.map((m) => create(SendMessageJobSchema, { ...m, recipientHash: Uint8Array.from(m.recipientHash) }));
}

const theSender = async (): Promise<StoredSender> => (await listSenders(db.store.pool, batch.tenantId))[0]!;
const triesSpent = async () =>
  (await db.store.pool.query("select sum(tries)::int as tries from message")).rows[0] as { tries: number };

test("wrong credentials found out by all messages in hand pause the account once and cost nobody anything", async () => {
  const jobs = await jobsAt(now);
  const { send } = senderAt(now, paused("account", 20003));
  await Promise.all(jobs.map(send));
  expect((await theSender()).account).toMatchObject({
    state: 2,
    pauseCode: 20003,
    pauseReason: "why",
    pausedAt: now,
    probeAt: later(60_000),
  });
  expect(seen.lines.filter((line) => line["event"] === "paused")).toHaveLength(1);
  expect(await seen.metrics.registry.metrics()).toMatch(
    /whatsapphub_pauses_total\{scope="account",code="20003".*\} 1$/m,
  );
  const { counted, stored } = await readBalance(db.store, batch.id);
  expect(counted).toEqual(stored);
  // What had no claim yet stays queued.
  expect((stored["1"] ?? 0) + (stored["2"] ?? 0)).toBe(30);
  expect(await triesSpent()).toEqual({ tries: 0 });
});

test("what was on its way when the account was paused does not resume it; the one message that tries does", async () => {
  const [first, second] = await jobsAt(now);
  const answer = Promise.withResolvers<SendOutcome>();
  const onItsWay = Promise.withResolvers<void>();
  const provider = {
    send: () => {
      onItsWay.resolve();
      return answer.promise;
    },
  };
  const sending = senderInTest(db.store, now, submitted, { actOnOutcome: actAt(now), provider }).send(second!);
  await onItsWay.promise;
  await senderAt(now, paused("account", 20003)).send(first!);
  answer.resolve(submitted);
  await sending;
  expect((await theSender()).account.state).toBe(2);

  const [probe, ...others] = await jobsAt(later(60_000));
  expect(others).toEqual([]);
  await senderAt(later(60_000), unknown).send(probe!);
  expect((await theSender()).account).toMatchObject({ state: 2, pauseCode: 20003, probes: 1, probeAt: later(180_000) });
  const [next] = await jobsAt(later(180_000));
  await senderAt(later(180_000), { kind: "submitted", sid: "SM2" }).send(next!);
  expect((await theSender()).account).toMatchObject({ state: 1, pauseCode: 0, resumedAt: later(180_000) });
  expect(seen.lines.map((line) => line["event"])).toEqual(expect.arrayContaining(["probe_failed", "resumed"]));
});

test("a bad template pauses its batch and keeps its messages; the sender's other batch goes on", async () => {
  const other = await storeSampleBatch(db.store, { createdAt: now, recipients: 5 });
  const jobs = await jobsAt(now);
  const bad = senderAt(now, paused("batch", 21655));
  await Promise.all(jobs.filter((job) => batch.messageIds.includes(job.messageId)).map(bad.send));
  const good = senderAt(now, { kind: "rejected", code: 21211, scope: "recipient", message: "" });
  await Promise.all(jobs.filter((job) => other.messageIds.includes(job.messageId)).map(good.send));
  expect(good.sent).toHaveLength(5);
  const { rows } = await db.store.pool.query("select state, pause_code from batch order by id = $1", [batch.id]);
  expect(rows).toEqual([
    { state: BatchState.RUNNING, pause_code: 0 },
    { state: BatchState.PAUSED, pause_code: 21655 },
  ]);
  expect(await readBalance(db.store, batch.id)).toMatchObject({ stored: { 1: 30 }, counted: { 1: 30 } });
  expect(await theSender()).toMatchObject({ state: 1, account: { state: 1 } });
});

test("a country that is not allowed keeps its message waiting and pauses nothing", async () => {
  const [job] = await jobsAt(now);
  await senderAt(now, paused("country", 21408)).send(job!);
  const { rows } = await db.store.pool.query("select status, next_at > $2 as waits from message where id = $1", [
    job!.messageId,
    later(3_599_999),
  ]);
  expect(rows).toEqual([{ status: MessageStatus.ACCEPTED, waits: true }]);
  expect(await theSender()).toMatchObject({ state: 1, account: { state: 1 } });
});

test("too fast: many at once halve the speed once, and all rest as long as Twilio asks", async () => {
  const jobs = await jobsAt(now);
  const { send } = senderAt(now, { kind: "throttled", code: 20429, scope: "account", retryAfterMs: 7_000 });
  await Promise.all(jobs.map(send));
  expect((await theSender()).account).toMatchObject({ state: 1, pace: 0.5, holdUntil: later(7_000) });
  expect(await jobsAt(later(6_999))).toEqual([]);
  expect(await triesSpent()).toEqual({ tries: 0 });
});

test("ten unknown outcomes in a row pause the account; the next job is refused", async () => {
  const jobs = await jobsAt(now);
  const { send, sent } = senderAt(now, unknown);
  for (const job of jobs.slice(0, 11)) await send(job);
  expect(sent).toHaveLength(10);
  expect((await theSender()).account).toMatchObject({ state: 2, pauseCode: 0, pauseReason: "unknown_outcomes" });
});

test("without a way to Twilio the account pauses and no message fails, however long that lasts", async () => {
  const jobs = await jobsAt(now);
  const { send, sent } = senderAt(now, { kind: "unreachable", message: "no connection to Twilio (EAI_AGAIN)" });
  for (const job of jobs.slice(0, 11)) await send(job);
  expect(sent).toHaveLength(10);
  expect((await theSender()).account).toMatchObject({ state: 2, pauseCode: 0, pauseReason: "no_connection" });
  expect(await triesSpent()).toEqual({ tries: 0 });
});

test("where the act cannot be written the outcome is recorded all the same", async () => {
  const [job] = await jobsAt(now);
  const gone = createStore({ databaseUrl: "postgres://127.0.0.1:1/gone", applicationName: "test", poolMax: 1 });
  await senderAt(now, paused("account", 20003), gone).send(job!);
  await gone.close();
  const { rows } = await db.store.pool.query("select status from message where id = $1", [job!.messageId]);
  expect(rows).toEqual([{ status: MessageStatus.ACCEPTED }]);
  expect(await seen.metrics.registry.metrics()).toMatch(/whatsapphub_acts_failed_total\{act="pause".*\} 1$/m);
});
