import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BatchState, MessageStatus } from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { connectHub, fictionalPhones, twilioWord, type Hub } from "./hub.ts";
import { ledgerOf, readLedger, simIsIdle, turnKnobs } from "./ledger.ts";

let stack: Stack;
let hub: Hub;

beforeAll(async () => {
  stack = await startStack({
    env: {
      dispatch: { SENDER_MESSAGES_PER_SECOND: "200", PACE_RECOVERY_MS: "2000" },
      sender: { THROTTLED_WAIT_MS: "200", PACE_RECOVERY_MS: "2000" },
    },
  });
  hub = connectHub(stack);
});
afterAll(async () => {
  hub?.close();
  await stack?.stop();
});

/** Ledger and database say the same of this batch, recipient by recipient: one message each, neither more nor less. */
async function expectLedgerToMatch(batchId: string, recipients: readonly string[]): Promise<void> {
  const messages = await hub.messages(batchId);
  const ledger = await ledgerOf(stack, messages);
  const byRecipient = (a: { to: string }, b: { to: string }) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0);
  expect(messages.map((m) => m.recipient).toSorted()).toEqual(recipients.toSorted());
  expect(
    messages
      .map((m) => ({
        to: `whatsapp:${m.recipient}`,
        sid: m.twilioSid,
        status: twilioWord(m.status),
        body: m.messageContent,
      }))
      .toSorted(byRecipient),
  ).toEqual(ledger.map(({ to, sid, status, body }) => ({ to, sid, status, body })).toSorted(byRecipient));
}

const sum = (counts: readonly { count: number }[]): number => counts.reduce((total, { count }) => total + count, 0);

describe("a thousand recipients through gRPC", () => {
  const phones = fictionalPhones(1000);
  const request = {
    idempotencyKey: randomUUID(),
    content: { kind: { case: "text", value: { body: "Your parcel arrives tomorrow." } } },
    recipients: phones.map((phone, i) => ({ phone, metadata: { customer: i } })),
  } as const;
  let batchId: string;
  let messageIds: string[];

  test("all go out once and come back delivered or read", async () => {
    ({ batchId, messageIds } = await hub.dispatch.bulkSend(request, hub.call));
    expect(new Set(messageIds).size).toBe(1000);
    const batch = await hub.settled(batchId);
    expect(batch).toMatchObject({ state: BatchState.COMPLETED, total: 1000, rejectedCount: 0, settled: true });
    expect(sum(batch.counts)).toBe(1000);
    const statuses = batch.counts.map(({ status }) => status);
    expect(statuses.every((status) => status === MessageStatus.DELIVERED || status === MessageStatus.READ)).toBe(true);
    await simIsIdle(stack);
    await expectLedgerToMatch(batchId, phones);
  });

  test("the same call with the same key sends nothing twice", async () => {
    const before = (await readLedger(stack)).length;
    const again = await hub.dispatch.bulkSend(request, hub.call);
    expect(again).toMatchObject({ batchId, messageIds, acceptedCount: 1000 });
    await hub.settled(batchId);
    expect(await readLedger(stack)).toHaveLength(before);
    await expect(
      hub.dispatch.bulkSend({ ...request, recipients: [{ phone: phones[0]! }] }, hub.call),
    ).rejects.toMatchObject({ kind: "conflict" });
  });

  test("each message tells its way", async () => {
    const { message, timeline } = await hub.status.getMessage({ messageId: messageIds[17]! }, hub.call);
    expect(message).toMatchObject({
      batchId,
      recipient: phones[17],
      messageContent: "Your parcel arrives tomorrow.",
      metadata: { customer: 17 },
      attempt: 1,
      errorCode: 0,
    });
    const statuses = timeline.map((event) => event.status);
    expect(statuses.slice(0, 2)).toEqual([MessageStatus.ACCEPTED, MessageStatus.SENDING]);
    expect(statuses).toEqual(
      expect.arrayContaining([MessageStatus.SUBMITTED, MessageStatus.SENT, MessageStatus.DELIVERED]),
    );
  });

  test("a forged callback changes nothing", async () => {
    const before = await hub.status.getMessage({ messageId: messageIds[0]! }, hub.call);
    const form = new URLSearchParams({
      AccountSid: stack.twilio.accountSid,
      MessageSid: before.message!.twilioSid,
      MessageStatus: "failed",
      ErrorCode: "63024",
    });
    for (const headers of [{}, { "x-twilio-signature": "L/OH5YylLD5NRKLltdqwSvS0BnU=" }] as Record<string, string>[]) {
      const url = `${stack.urls.webhookIngest}/webhooks/twilio/status?m=${messageIds[0]!}&a=1`;
      expect((await fetch(url, { method: "POST", body: form, headers })).status).toBe(403);
    }
    expect(await hub.status.getMessage({ messageId: messageIds[0]! }, hub.call)).toEqual(before);
  });
});

describe("the seed's REST call", () => {
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${stack.urls.gateway}/bulk-send`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  test("sends to a thousand people, once per key", async () => {
    const phones = fictionalPhones(1000);
    const body = { phone_numbers: [...phones, phones[0], "nonsense"], message: "Hello", metadata: { source: "crm" } };
    const key = { "idempotency-key": randomUUID() };
    const first = await post(body, key);
    const answer = (await first.json()) as { queued: number; job_ids: string[]; rejected: { index: number }[] };
    expect(first.ok).toBe(true);
    expect(answer.queued).toBe(1000);
    expect(answer.job_ids).toHaveLength(1001);
    expect(answer.job_ids[1000]).toBe(answer.job_ids[0]);
    expect(answer.rejected).toMatchObject([{ index: 1001 }]);
    expect(await (await post(body, key)).json()).toEqual(answer);

    const { message } = await hub.status.getMessage({ messageId: answer.job_ids[0]! }, hub.call);
    expect(message!.metadata).toEqual({ source: "crm" });
    await hub.settled(message!.batchId);
    await simIsIdle(stack);
    await expectLedgerToMatch(message!.batchId, phones);
  });

  test("is refused without a valid key, and without a valid number", async () => {
    expect((await post({ phone_numbers: ["+12125550100"], message: "Hello" }, { authorization: "" })).status).toBe(401);
    expect(
      (await post({ phone_numbers: ["+12125550100"], message: "Hello" }, { authorization: "Bearer no" })).status,
    ).toBe(401);
    expect((await post({ phone_numbers: ["nonsense"], message: "Hello" })).status).toBe(400);
  });
});

describe("a Twilio that says no for a while", () => {
  test("waiting is not failing: with a third of the requests answered 429, everybody gets the message once", async () => {
    await turnKnobs(stack, { rate429: 0.33 });
    try {
      const phones = fictionalPhones(200);
      const { batchId } = await hub.dispatch.bulkSend(
        {
          content: { kind: { case: "text", value: { body: "Hello again" } } },
          recipients: phones.map((phone) => ({ phone })),
        },
        hub.call,
      );
      await hub.settled(batchId);
      await simIsIdle(stack);
      await expectLedgerToMatch(batchId, phones);
      expect((await hub.messages(batchId)).some((message) => message.attempt > 1)).toBe(true);
    } finally {
      await turnKnobs(stack, { rate429: 0 });
    }
  });
});

describe("a sender that is told to stop in the middle", () => {
  test("finishes what it has in hand, and the next one carries on", async () => {
    const phones = fictionalPhones(600);
    const { batchId } = await hub.dispatch.bulkSend(
      {
        content: { kind: { case: "text", value: { body: "Hello once more" } } },
        recipients: phones.map((phone) => ({ phone })),
      },
      hub.call,
    );
    for await (const { batch } of hub.status.watchBatch({ batchId }, hub.call)) {
      const gone = sum(batch!.counts.filter(({ status }) => status >= MessageStatus.SUBMITTED));
      if (gone > 50) break;
    }
    await stack.service("sender").restart();
    const batch = await hub.settled(batchId);
    expect(batch.counts.every(({ status }) => status >= MessageStatus.DELIVERED)).toBe(true);
    await simIsIdle(stack);
    await expectLedgerToMatch(batchId, phones);
  });
});
