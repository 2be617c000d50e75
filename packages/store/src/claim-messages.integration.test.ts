import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { claimMessages, type ClaimRequest } from "./claim-messages.ts";
import { deferMessages } from "./defer-messages.ts";
import { planSender } from "./plan-messages.ts";
import type { PlannedMessage } from "./planned-message.ts";
import { readTimeline } from "./read-message.ts";
import {
  createTestDatabase,
  readBalance,
  storeSampleBatch,
  type SampleBatch,
  type TestDatabase,
} from "./testing/index.ts";

const now = new Date("2026-03-01T12:00:00Z");
let db: TestDatabase;
let batch: SampleBatch;
let planned: PlannedMessage[];

beforeEach(async () => {
  db = await createTestDatabase({ now });
  batch = await storeSampleBatch(db.store, { createdAt: now, recipients: 4, body: "Hello" });
  planned = await planSender(db.store.pool, batch.senderId, { now, horizonMs: 1000 });
});
afterEach(() => db.drop());

const requestFor = ({ tenantId, messageId, attempt }: PlannedMessage): ClaimRequest => ({
  tenantId,
  messageId,
  attempt,
  token: randomUUID(),
});
const claim = (requests: readonly ClaimRequest[]) => claimMessages(db.store.pool, requests, { now, leaseMs: 60_000 });

describe("a claim", () => {
  test("gives what is needed to send, and moves the message to sending with its event", async () => {
    const request = requestFor(planned[0]!);
    const [granted] = await claim([request]);
    expect(granted).toEqual({
      messageId: request.messageId,
      tenantId: batch.tenantId,
      batchId: batch.id,
      senderId: batch.senderId,
      accountId: batch.accountId,
      attempt: 1,
      token: request.token,
      triesFor: [],
      accountSid: expect.stringMatching(/^AC/),
      senderPhone: "+14155550100",
      recipient: expect.stringMatching(/^\+1415/),
      content: { text: { body: "Hello" } },
      triesSpent: 0,
    });
    const timeline = await readTimeline(db.store.pool, batch.tenantId, request.messageId);
    expect(timeline).toMatchObject([{ status: MessageStatus.SENDING, attempt: 1 }]);
    expect(await readBalance(db.store, batch.id)).toEqual({
      total: 4,
      counted: { 2: 3, 3: 1 },
      stored: { 2: 3, 3: 1 },
    });
  });

  test("is granted once, however many senders ask, in one statement or in many", async () => {
    const both = await claim([requestFor(planned[0]!), requestFor(planned[0]!)]);
    expect(both.filter(Boolean)).toHaveLength(1);
    const many = await Promise.all(Array.from({ length: 20 }, () => claim([requestFor(planned[1]!)])));
    expect(many.flat().filter(Boolean)).toHaveLength(1);
    expect(await readBalance(db.store, batch.id)).toEqual({
      total: 4,
      counted: { 2: 2, 3: 2 },
      stored: { 2: 2, 3: 2 },
    });
  });

  test.each([
    ["another attempt than the next one", "select 1", { attempt: 2 }],
    ["another tenant", "select 1", { tenantId: randomUUID() }],
    ["a message that is not due", "update message set next_at = now() + interval '100 years'", {}],
    ["a message that waits in PostgreSQL", "update message set status = 1", {}],
    ["a message that Twilio has", "update message set status = 6", {}],
    ["a batch that does not run", "update batch set state = 1", {}],
    ["a paused batch", "update batch set state = 5", {}],
    ["a batch that has expired", `update batch set expires_at = '${now.toISOString()}'`, {}],
    ["a paused sender", "update sender set state = 2", {}],
    ["a paused account", "update account set state = 2", {}],
    ["a sender for which another message tries", "update sender set state = 3, probe_message_id = id", {}],
    ["an account for which another message tries", "update account set state = 3, probe_message_id = id", {}],
    ["a sender that rests", "update sender set hold_until = now() + interval '100 years'", {}],
    ["an account that rests", "update account set hold_until = now() + interval '100 years'", {}],
  ])("is refused for %s", async (_case, sql, change) => {
    await db.store.pool.query(sql);
    expect(await claim([{ ...requestFor(planned[0]!), ...change }])).toEqual([undefined]);
  });

  test("of a batch that will expire, for a sender whose rest is over, is granted", async () => {
    await db.store.pool.query("update batch set expires_at = $1", [new Date(now.getTime() + 1)]);
    await db.store.pool.query("update sender set hold_until = $1", [now]);
    expect(await claim([requestFor(planned[0]!)])).toMatchObject([{ attempt: 1 }]);
  });

  test.each<[string, readonly string[]]>([
    ["the sender", ["sender"]],
    ["the account", ["account"]],
    ["both", ["sender", "account"]],
  ])("of the one message that tries for %s is granted and says so; the others are refused", async (_for, scopes) => {
    for (const table of scopes) {
      await db.store.pool.query(`update ${table} set state = 3, probe_message_id = $1`, [planned[2]!.messageId]);
    }
    const claims = await claim(planned.map(requestFor));
    expect(claims.map((granted) => granted?.triesFor)).toEqual([undefined, undefined, scopes, undefined]);
  });

  test("of one message does not depend on its neighbours", async () => {
    await db.store.pool.query("update message set status = 6 where id = $1", [planned[1]!.messageId]);
    const claims = await claim(planned.map(requestFor));
    expect(claims.map(Boolean)).toEqual([true, false, true, true]);
  });
});

describe("a deferral", () => {
  test("puts a queued message back until its time and spends nothing", async () => {
    const nextAt = new Date(now.getTime() + 90_000);
    const { tenantId, messageId, attempt } = planned[0]!;
    expect(await deferMessages(db.store.pool, [{ tenantId, messageId, attempt, nextAt }], now)).toEqual([true]);
    const { rows } = await db.store.pool.query("select status, attempt, tries, next_at from message where id = $1", [
      messageId,
    ]);
    expect(rows[0]).toEqual({ status: MessageStatus.ACCEPTED, attempt: 0, tries: 0, next_at: nextAt });
    expect(await readBalance(db.store, batch.id)).toEqual({
      total: 4,
      counted: { 1: 1, 2: 3 },
      stored: { 1: 1, 2: 3 },
    });
  });

  test("leaves a message alone that has been claimed meanwhile", async () => {
    await claim([requestFor(planned[0]!)]);
    const { tenantId, messageId, attempt } = planned[0]!;
    expect(await deferMessages(db.store.pool, [{ tenantId, messageId, attempt, nextAt: now }], now)).toEqual([false]);
  });
});
