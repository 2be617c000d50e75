import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { BatchState, MessageStatus } from "@wahub/proto";
import type { Claim } from "./claim-messages.ts";
import { expireLeases } from "./expire-leases.ts";
import { readTimeline } from "./read-message.ts";
import { recordOutcomes, type AttemptOutcome } from "./record-outcomes.ts";
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
const sid = `SM${"a".repeat(32)}`;
let db: TestDatabase;
let batch: SampleBatch;
let claims: Claim[];

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 3 });
  claims = await claimAll(db.store, batch, now);
});
afterEach(() => db.drop());

const outcome = (claim: Claim, result: AttemptOutcome["result"]): AttemptOutcome => ({
  tenantId: claim.tenantId,
  messageId: claim.messageId,
  attempt: claim.attempt,
  token: claim.token,
  result,
});
const record = (...outcomes: AttemptOutcome[]) => recordOutcomes(db.store.pool, outcomes, later(500));
const row = async (claim: Claim) =>
  (await db.store.pool.query("select * from message where id = $1", [claim.messageId])).rows[0] as Record<
    string,
    unknown
  >;
const back = {
  status: MessageStatus.ACCEPTED,
  nextAt: later(60_000),
  errorCode: 30017,
  errorMessage: "congestion",
} as const;

describe("recording an outcome", () => {
  test("binds the SID of a message that Twilio took, once", async () => {
    const taken = outcome(claims[0]!, { status: MessageStatus.SUBMITTED, sid });
    expect(await record(taken)).toEqual(["applied"]);
    expect(await row(claims[0]!)).toMatchObject({
      status: MessageStatus.SUBMITTED,
      twilio_sid: sid,
      submitted_at: later(500),
      claim_token: null,
      lease_until: null,
    });
    expect(await record(taken)).toEqual(["repeated"]);
  });

  test("puts a message back that may be tried again, counts the try, and keeps the closed attempt", async () => {
    expect(await record(outcome(claims[0]!, { ...back, spendsTry: true }))).toEqual(["applied"]);
    expect(await row(claims[0]!)).toMatchObject({
      status: MessageStatus.ACCEPTED,
      attempt: 1,
      tries: 1,
      next_at: later(60_000),
      error_code: 30017,
      claim_token: null,
    });
    const { rows } = await db.store.pool.query(
      "select attempt, error_code from message_attempt where message_id = $1",
      [claims[0]!.messageId],
    );
    expect(rows).toEqual([{ attempt: 1, error_code: 30017 }]);
    const [second] = await claimAll(db.store, batch, later(60_000));
    expect(second).toMatchObject({ attempt: 2, triesSpent: 1 });
  });

  test("spends no try on waiting", async () => {
    await record(outcome(claims[0]!, { ...back, spendsTry: false }));
    expect(await row(claims[0]!)).toMatchObject({ attempt: 1, tries: 0 });
  });

  test("keeps the reason of a final failure and counts it by code", async () => {
    await record(
      outcome(claims[0]!, { status: MessageStatus.FAILED, errorCode: 21211, errorMessage: "invalid To" }),
      outcome(claims[1]!, { status: MessageStatus.UNKNOWN, errorMessage: "timeout" }),
      outcome(claims[2]!, { status: MessageStatus.SUBMITTED, sid }),
    );
    expect(await row(claims[0]!)).toMatchObject({
      status: MessageStatus.FAILED,
      error_code: 21211,
      failed_at: later(500),
    });
    expect(await row(claims[1]!)).toMatchObject({
      status: MessageStatus.UNKNOWN,
      error_message: "timeout",
      lease_until: expect.any(Date),
      reconcile_at: later(500),
      absences: 0,
    });
    const expected = { "4": 1, "5": 1, "9/21211": 1 };
    expect(await readBalance(db.store, batch.id)).toEqual({ total: 3, counted: expected, stored: expected });
  });

  test.each([
    ["token", { token: randomUUID() }],
    ["attempt", { attempt: 2 }],
    ["tenant", { tenantId: randomUUID() }],
  ])("is refused with a wrong %s", async (_name, change) => {
    for (const result of [
      { ...back, spendsTry: true },
      { status: MessageStatus.FAILED, errorCode: 21211, errorMessage: "invalid To" },
      { status: MessageStatus.UNKNOWN, errorMessage: "timeout" },
    ] as const)
      expect(await record({ ...outcome(claims[0]!, result), ...change })).toEqual(["stale"]);
    expect(await row(claims[0]!)).toMatchObject({ status: MessageStatus.SENDING, attempt: 1, tries: 0 });
    expect(await readTimeline(db.store.pool, batch.tenantId, claims[0]!.messageId)).toHaveLength(1);
  });

  test("with a SID is evidence also when the claim is no longer this sender's", async () => {
    const taken = outcome(claims[0]!, { status: MessageStatus.SUBMITTED, sid });
    expect(await record({ ...taken, tenantId: randomUUID() })).toEqual(["stale"]);
    expect(await record({ ...taken, attempt: 2 })).toEqual(["stale"]);
    expect(await record({ ...taken, token: randomUUID() })).toEqual(["applied"]);
    expect(await row(claims[0]!)).toMatchObject({ status: MessageStatus.SUBMITTED, twilio_sid: sid });
  });

  test("never takes back what a faster callback has shown, and stays in the history", async () => {
    await db.store.pool.query("update message set status = $1, twilio_sid = $2", [MessageStatus.DELIVERED, sid]);
    const failed = { status: MessageStatus.FAILED, errorCode: 21211, errorMessage: "invalid To" } as const;
    const results = [{ ...back, spendsTry: false }, failed, { status: MessageStatus.SUBMITTED, sid }] as const;
    const outcomes = claims.map((claim, n) => outcome(claim, results[n]!));
    expect(await record(...outcomes)).toEqual(["applied", "applied", "applied"]);
    for (const claim of claims) {
      expect(await row(claim)).toMatchObject({ status: MessageStatus.DELIVERED, error_code: 0, failed_at: null });
      expect(await readTimeline(db.store.pool, batch.tenantId, claim.messageId)).toHaveLength(2);
    }
    expect(await record(...outcomes)).toEqual(["repeated", "repeated", "repeated"]);
  });

  test("is known again when it comes twice: in one call, or because the reply to the first was lost", async () => {
    const failed = { status: MessageStatus.FAILED, errorCode: 21211, errorMessage: "invalid To" } as const;
    const results = [
      { ...back, spendsTry: true },
      failed,
      { status: MessageStatus.UNKNOWN, errorMessage: "" },
    ] as const;
    const outcomes = claims.map((claim, n) => outcome(claim, results[n]!));
    const twice = await record(...outcomes, ...outcomes);
    expect(twice.slice(0, 3)).toEqual(["applied", "applied", "applied"]);
    expect(twice.slice(3)).toEqual(["repeated", "repeated", "repeated"]);
    const before = await Promise.all(claims.map(row));
    expect(await record(...outcomes)).toEqual(["repeated", "repeated", "repeated"]);
    expect(await Promise.all(claims.map(row))).toEqual(before);
    expect(before[0]).toMatchObject({ tries: 1 });
    const expected = { "1": 1, "4": 1, "9/21211": 1 };
    expect(await readBalance(db.store, batch.id)).toEqual({ total: 3, counted: { ...expected }, stored: expected });
  });

  test.each([
    ["canceled", MessageStatus.CANCELED, `state = ${BatchState.CANCELED}`],
    ["over", MessageStatus.EXPIRED, "expires_at = '2026-03-01T12:00:00.400Z'"],
  ])("that sends a message back follows its batch: it is %s", async (_name, status, change) => {
    await db.store.pool.query(`update batch set ${change} where id = $1`, [batch.id]);
    const outcomes = [outcome(claims[0]!, { ...back, spendsTry: true })];
    expect(await record(...outcomes)).toEqual(["applied"]);
    expect(await row(claims[0]!)).toMatchObject({ status, attempt: 1, claim_token: null, lease_until: null });
    expect(await record(...outcomes)).toEqual(["repeated"]);
    expect((await readTimeline(db.store.pool, batch.tenantId, claims[0]!.messageId)).at(-1)).toMatchObject({ status });
    const { counted, stored } = await readBalance(db.store, batch.id);
    expect(counted).toEqual(stored);
    expect(stored).toMatchObject({ 3: 2 });
  });
});

describe("an expired lease", () => {
  test("makes the outcome unknown, and a late certain answer still counts", async () => {
    const { messageId, tenantId } = claims[0]!;
    expect(await expireLeases(db.store.pool, { now: later(60_000), limit: 10 })).toBe(0);
    await db.store.pool.query("update message set lease_until = now() - interval '1 second'");
    expect(await expireLeases(db.store.pool, { now: later(60_000), limit: 2 })).toBe(2);
    expect(await expireLeases(db.store.pool, { now: later(60_000), limit: 2 })).toBe(1);
    expect(await row(claims[0]!)).toMatchObject({
      status: MessageStatus.UNKNOWN,
      error_message: "lease_expired",
      lease_until: expect.any(Date),
      reconcile_at: later(60_000),
    });
    expect(await readBalance(db.store, batch.id)).toEqual({ total: 3, counted: { 4: 3 }, stored: { 4: 3 } });

    expect(await record(outcome(claims[0]!, { status: MessageStatus.SUBMITTED, sid }))).toEqual(["applied"]);
    expect(await record(outcome(claims[1]!, { ...back, spendsTry: true }))).toEqual(["applied"]);
    const statuses = (await readTimeline(db.store.pool, tenantId, messageId)).map((event) => event.status);
    expect(statuses).toEqual(
      expect.arrayContaining([MessageStatus.SENDING, MessageStatus.UNKNOWN, MessageStatus.SUBMITTED]),
    );
    expect(await readBalance(db.store, batch.id)).toEqual({
      total: 3,
      counted: { 1: 1, 4: 1, 5: 1 },
      stored: { 1: 1, 4: 1, 5: 1 },
    });
  });
});
