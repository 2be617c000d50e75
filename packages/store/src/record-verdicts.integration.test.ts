import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BatchState, EventSource, MessageStatus, UnknownPolicy } from "@wahub/proto";
import { applyCallbacks } from "./apply-callbacks.ts";
import { foldCounts } from "./fold-counts.ts";
import { measureUnresolved } from "./measure-unresolved.ts";
import { readOpenAttempts } from "./open-attempts.ts";
import { readMessage, readTimeline } from "./read-message.ts";
import { recordVerdicts, type Decision, type Verdict } from "./record-verdicts.ts";
import { takeUnresolved } from "./take-unresolved.ts";
import {
  claimAll,
  createTestDatabase,
  loseAll,
  readBalance,
  sampleSender,
  storeSampleBatch,
  type SampleBatch,
  type SampleBatchOptions,
  type TestDatabase,
} from "./testing/index.ts";

const { ACCEPTED, SENDING, UNKNOWN, SUBMITTED, SENT, CANCELED, UNDELIVERED, DELIVERED, EXPIRED } = MessageStatus;
const { accountSid } = sampleSender;
const now = new Date("2026-03-02T12:00:00Z");
const later = new Date(now.getTime() + 60_000);
const phone = "+14155550177";
let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase({ now });
});
afterAll(() => db.drop());

/** A batch whose messages are all unknown, their leases over for a minute. */
async function lost(options: Partial<SampleBatchOptions> = {}): Promise<SampleBatch> {
  await db.store.pool.query("delete from message");
  const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 1, ...options });
  await loseAll(db.store, batch, now, -60_000);
  return batch;
}

let sids = 0;
const newSid = (): string => `SM${(++sids).toString(16).padStart(32, "0")}`;
const decision = (messageId: string, verdict: Verdict, change: Partial<Decision> = {}): Decision => ({
  messageId,
  attempt: 1,
  absences: 0,
  verdict,
  ...change,
});
const record = (decisions: readonly Decision[], at = later) =>
  recordVerdicts(db.store.pool, decisions, { now: at, accountSid });
const read = async (batch: SampleBatch, n = 0) =>
  (await readMessage(db.store.pool, batch.tenantId, batch.messageIds[n]!))!;
const found = (sid: string, status: MessageStatus = SUBMITTED, errorCode = 0): Verdict => ({
  kind: "found",
  sid,
  status,
  errorCode,
  errorMessage: errorCode === 0 ? "" : "why",
});

async function expectBalance(batch: SampleBatch, stored: Readonly<Record<string, number>>): Promise<void> {
  const balance = await readBalance(db.store, batch.id);
  expect(balance).toMatchObject({ counted: balance.stored });
  expect(balance.stored).toEqual(stored);
}

describe("taking unresolved messages", () => {
  const take = (options: Partial<Parameters<typeof takeUnresolved>[1]> = {}) =>
    takeUnresolved(db.store.pool, { now, settleMs: 30_000, heldForMs: 10_000, limit: 100, ...options });

  test("says whom to ask about, and takes each for a while", async () => {
    const batch = await lost({ recipients: ["+5511912345678"] });
    expect(await take()).toEqual([
      {
        messageId: batch.messageIds[0],
        attempt: 1,
        accountSid,
        senderId: batch.senderId,
        senderPhone: sampleSender.phone,
        recipientKey: "+551112345678",
        takenUntil: new Date(now.getTime() + 10_000),
      },
    ]);
    expect(await take()).toEqual([]);
    expect(await take({ now: new Date(now.getTime() + 10_000) })).toHaveLength(1);
    expect((await read(batch)).updatedAt).toEqual(now);
  });

  test("waits until their leases are over for long enough, and leaves what is held", async () => {
    await lost();
    expect(await take({ settleMs: 3_600_000 })).toEqual([]);
    await db.store.pool.query("update message set reconcile_at = null");
    expect(await take()).toEqual([]);
  });

  test("gives none of them to two at once", async () => {
    await lost({ recipients: 40 });
    const taken = await Promise.all([1, 2, 3, 4].map(() => take({ limit: 15 })));
    const ids = taken.flat().map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length + (await take()).length).toBe(40);
  });

  test("can be measured", async () => {
    await lost({ recipients: 3 });
    expect(await measureUnresolved(db.store.pool)).toEqual({ count: 3, oldest: now });
    await db.store.pool.query("delete from message");
    expect(await measureUnresolved(db.store.pool)).toEqual({ count: 0, oldest: undefined });
  });
});

describe("the open attempts to somebody", () => {
  const open = (batch: SampleBatch, sidsAsked: readonly string[] = []) =>
    readOpenAttempts(db.store.pool, { senderId: batch.senderId, recipientKey: phone }, sidsAsked);

  test("are all of which nobody knows, whatever became of them", async () => {
    const batches = [await lost({ recipients: [phone], body: "first" })];
    for (const body of ["second", "third", "fourth"]) {
      const batch = await storeSampleBatch(db.store, { createdAt: now, recipients: [phone, "+14155550178"], body });
      batches.push(batch);
      await loseAll(db.store, batch, now, -60_000);
    }
    const sending = await storeSampleBatch(db.store, { createdAt: now, recipients: [phone], body: "fifth" });
    await claimAll(db.store, sending, now);
    const [, assumed, again, held] = batches as [SampleBatch, SampleBatch, SampleBatch, SampleBatch];
    await record([decision(assumed.messageIds[0]!, { kind: "leave", exit: "assume" })]);
    await record([decision(again.messageIds[0]!, { kind: "leave", exit: "again" })]);
    await record([decision(held.messageIds[0]!, { kind: "stay", reconcileAt: null, absences: 0 })]);

    const { attempts } = await open(sending);
    expect(Object.fromEntries(attempts.map(({ kind, content }) => [content.text?.body, kind]))).toEqual({
      first: "unknown",
      second: "assumed",
      third: "given_up",
      fourth: "held",
      fifth: "sending",
    });
    expect(attempts).toHaveLength(5);
    expect(attempts.find(({ kind }) => kind === "given_up")).toMatchObject({
      messageId: again.messageIds[0],
      attempt: 1,
      claimedAt: now,
      unknownPolicy: UnknownPolicy.ASSUME_SENT,
      validityS: undefined,
    });
    for (const { kind, sinceLeaseMs } of attempts) {
      if (kind === "sending") expect(sinceLeaseMs).toBeLessThan(0);
      else expect(sinceLeaseMs).toBeGreaterThanOrEqual(60_000);
    }
  });

  test("are none where Twilio certainly does not have it, or a SID is known; such SIDs are bound", async () => {
    const [bound, stranger] = [newSid(), newSid()];
    const batch = await lost({ recipients: [phone] });
    await record([decision(batch.messageIds[0]!, { kind: "leave", exit: "absent" })]);
    expect(await open(batch)).toEqual({ attempts: [], bound: new Set() });
    const other = await storeSampleBatch(db.store, { createdAt: now, recipients: [phone] });
    await loseAll(db.store, other, now, -60_000);
    await record([decision(other.messageIds[0]!, found(bound))]);
    expect(await open(batch, [bound, stranger])).toEqual({ attempts: [], bound: new Set([bound]) });
  });
});

describe("a verdict", () => {
  test("found binds the SID and takes over the status, as the list says it", async () => {
    const batch = await lost({ recipients: 2 });
    const [first, second] = [newSid(), newSid()];
    expect(
      await record([
        decision(batch.messageIds[0]!, found(first)),
        decision(batch.messageIds[1]!, found(second, UNDELIVERED, 63016)),
      ]),
    ).toBe(true);
    expect(await read(batch, 0)).toMatchObject({
      status: SUBMITTED,
      twilioSid: first,
      evidence: EventSource.LIST,
      submittedAt: later,
    });
    expect(await read(batch, 1)).toMatchObject({
      status: UNDELIVERED,
      twilioSid: second,
      errorCode: 63016,
      errorMessage: "why",
      failedAt: later,
    });
    const timeline = await readTimeline(db.store.pool, batch.tenantId, batch.messageIds[0]!);
    expect(timeline.at(-1)).toMatchObject({
      status: SUBMITTED,
      source: EventSource.LIST,
      twilioSid: first,
      attempt: 1,
    });
    await expectBalance(batch, { [SUBMITTED]: 1, [`${UNDELIVERED}/63016`]: 1 });
  });

  test("absent sends it again, and the closed attempt is kept", async () => {
    const batch = await lost();
    await record([decision(batch.messageIds[0]!, { kind: "stay", reconcileAt: later, absences: 1 })]);
    const leave = { kind: "leave", exit: "absent" } as const;
    expect(await record([decision(batch.messageIds[0]!, leave)])).toBe(false);
    expect(await record([decision(batch.messageIds[0]!, leave, { absences: 1 })])).toBe(true);
    expect(await read(batch)).toMatchObject({ status: ACCEPTED, attempt: 1, nextAt: later, twilioSid: undefined });
    const { rows } = await db.store.pool.query(
      "select attempt, error_message, recipient_key, lease_until, claimed_at, closed_at from message_attempt where message_id = $1",
      [batch.messageIds[0]],
    );
    expect(rows).toEqual([
      {
        attempt: 1,
        error_message: "absent",
        recipient_key: null,
        lease_until: null,
        claimed_at: now,
        closed_at: later,
      },
    ]);
    await expectBalance(batch, { [ACCEPTED]: 1 });
    expect((await claimAll(db.store, batch, later)).map(({ attempt }) => attempt)).toEqual([2]);
    expect(
      (await readTimeline(db.store.pool, batch.tenantId, batch.messageIds[0]!)).map((e) => [e.status, e.source]),
    ).toEqual(
      expect.arrayContaining([
        [ACCEPTED, EventSource.LIST],
        [SENDING, EventSource.HUB],
      ]),
    );
  });

  test.each([
    ["canceled", { state: BatchState.CANCELED, expiresAt: null }, CANCELED],
    ["past its time", { state: BatchState.RUNNING, expiresAt: now }, EXPIRED],
  ])("absent in a batch that is %s leaves the message there", async (_name, { state, expiresAt }, status) => {
    const batch = await lost({ recipients: 2 });
    await db.store.pool.query("update batch set state = $2, expires_at = $3 where id = $1", [
      batch.id,
      state,
      expiresAt,
    ]);
    await record([
      decision(batch.messageIds[0]!, { kind: "leave", exit: "absent" }),
      decision(batch.messageIds[1]!, { kind: "leave", exit: "again" }),
    ]);
    expect(await read(batch, 0)).toMatchObject({ status });
    // It may have left: to call it off would be a guess.
    expect(await read(batch, 1)).toMatchObject({ status: SUBMITTED, evidence: EventSource.ASSUMED });
    await expectBalance(batch, { [status]: 1, [SUBMITTED]: 1 });
  });

  test("assumed counts as submitted and completes the batch; a callback makes it known", async () => {
    const batch = await lost();
    await record([decision(batch.messageIds[0]!, { kind: "leave", exit: "assume" })]);
    expect(await read(batch)).toMatchObject({ status: SUBMITTED, evidence: EventSource.ASSUMED, twilioSid: undefined });
    await expectBalance(batch, { [SUBMITTED]: 1 });
    const { completed } = await foldCounts(db.store.pool, { now: later, limit: 1000 });
    expect(completed.map(({ batchId }) => batchId)).toContain(batch.id);
    const messageSid = newSid();
    const callback = { accountSid, messageSid, messageId: batch.messageIds[0]!, attempt: 1, receivedAt: later };
    const said = { status: DELIVERED, errorCode: 0, errorMessage: "", detail: {} };
    expect(await applyCallbacks(db.store.pool, [{ ...callback, ...said }], later)).toEqual(["applied"]);
    expect(await read(batch)).toMatchObject({
      status: DELIVERED,
      evidence: EventSource.CALLBACK,
      twilioSid: messageSid,
    });
    await expectBalance(batch, { [DELIVERED]: 1 });
  });

  test("about equal messages that was the wrong way round is set right by callbacks, and nobody got one twice", async () => {
    const batch = await lost({ recipients: 2 });
    const [first, second] = [newSid(), newSid()];
    const [one, other] = batch.messageIds as [string, string];
    await record([decision(one, found(second)), decision(other, found(first))]);
    const plain = { accountSid, attempt: 1, errorCode: 0, errorMessage: "", receivedAt: later, detail: {} };
    const said = (messageId: string, messageSid: string, status: MessageStatus) => ({
      ...plain,
      messageId,
      messageSid,
      status,
    });
    const fates = [];
    for (const callback of [
      said(one, first, SENT),
      said(other, second, SENT),
      said(other, second, DELIVERED),
      said(one, first, DELIVERED),
    ])
      fates.push(...(await applyCallbacks(db.store.pool, [callback], later)));
    expect(fates).toEqual(["applied", "applied", "applied", "applied"]);
    expect(await read(batch, 0)).toMatchObject({ status: DELIVERED, twilioSid: first });
    expect(await read(batch, 1)).toMatchObject({ status: DELIVERED, twilioSid: second });
    expect((await db.store.pool.query("select from duplicate_sid")).rowCount).toBe(0);
    await expectBalance(batch, { [DELIVERED]: 2 });
  });

  test("is recorded by one of many that come to it at the same time", async () => {
    const batch = await lost();
    const leave = [decision(batch.messageIds[0]!, { kind: "leave", exit: "absent" })];
    const recorded = await Promise.all([1, 2, 3, 4].map(() => record(leave)));
    expect(recorded.filter(Boolean)).toHaveLength(1);
    await expectBalance(batch, { [ACCEPTED]: 1 });
  });

  test("is nothing where the message was taken or put off once more since it was taken", async () => {
    const batch = await lost();
    const [message] = await takeUnresolved(db.store.pool, { now, settleMs: 30_000, heldForMs: 10_000, limit: 1 });
    const { takenUntil } = message!;
    const stay = decision(batch.messageIds[0]!, { kind: "stay", reconcileAt: later, absences: 0 }, { takenUntil });
    expect(await record([stay])).toBe(true);
    expect(await record([stay])).toBe(false);
    await takeUnresolved(db.store.pool, { now: later, settleMs: 30_000, heldForMs: 10_000, limit: 1 });
    expect(await record([{ ...stay, takenUntil: later }])).toBe(false);
    expect(await record([{ ...stay, takenUntil: new Date(later.getTime() + 10_000) }])).toBe(true);
  });

  test("is nothing where one of several messages has changed, or the SID is somebody's", async () => {
    const batch = await lost({ recipients: 3 });
    const [sid, other] = [newSid(), newSid()];
    await record([decision(batch.messageIds[0]!, found(sid))]);
    expect(
      await record([
        decision(batch.messageIds[0]!, { kind: "keep" }),
        decision(batch.messageIds[1]!, { kind: "leave", exit: "assume" }),
      ]),
    ).toBe(false);
    expect(await record([decision(batch.messageIds[1]!, found(sid))])).toBe(false);
    expect(await record([decision(batch.messageIds[1]!, found(other), { attempt: 2 })])).toBe(false);
    await expectBalance(batch, { [SUBMITTED]: 1, [UNKNOWN]: 2 });
  });
});
