import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createGrpcClient } from "@wahub/platform";
import { AdminService, BatchState, MessageStatus, SendingState, type Sender } from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { Client } from "pg";
import { connectHub, fictionalPhones, type Hub } from "./hub.ts";
import { readLedger, turnKnobs } from "./ledger.ts";

const calm = { failNext: [], rate429: 0, rate503: 0 };
let stack: Stack;
let hub: Hub;
let admin: ReturnType<typeof connectAdmin>;

const connectAdmin = () => createGrpcClient(AdminService, stack.urls.dispatchGrpc);

beforeAll(async () => {
  stack = await startStack({
    env: {
      dispatch: { SENDER_MESSAGES_PER_SECOND: "100", PACE_RECOVERY_MS: "10000" },
      sender: {
        THROTTLED_WAIT_MS: "200",
        PACE_RECOVERY_MS: "10000",
        PAUSED_WAIT_MS: "1000",
        PAUSED_WAIT_MAX_MS: "4000",
        BREAKER_UNKNOWNS: "10",
      },
    },
  });
  hub = connectHub(stack);
  admin = connectAdmin();
});
afterAll(async () => {
  admin?.close();
  hub?.close();
  await stack?.stop();
});
afterEach(async () => {
  await turnKnobs(stack, calm);
  const { id, account } = await theSender();
  await admin.resumeSender({ senderId: id }, hub.call);
  await admin.resumeAccount({ accountId: account!.id }, hub.call);
});

async function theSender(): Promise<Sender> {
  return (await admin.listSenders({}, hub.call)).senders[0]!;
}

/** The sender, as soon as it is so. */
async function senderWhen(isSo: (sender: Sender) => boolean): Promise<Sender> {
  for (;;) {
    const sender = await theSender();
    if (isSo(sender)) return sender;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const accountPaused = ({ account }: Sender): boolean => account!.sending!.state === SendingState.PAUSED;

/** Requests that have reached the simulator, whatever became of them. */
async function creates(): Promise<number> {
  return ((await (await fetch(`${stack.urls.sim}/sim/stats`)).json()) as { creates: number }).creates;
}

/**
 * The account while it is paused and no message tries: requests so far, and tries in vain. Read at one moment: no try came
 * in between.
 */
async function whilePaused(least: number): Promise<{ creates: number; probes: number }> {
  for (;;) {
    const before = (await senderWhen(accountPaused)).account!.sending!;
    const now = await creates();
    const after = (await theSender()).account!.sending!;
    const same = after.state === SendingState.PAUSED && after.probes === before.probes;
    if (same && after.probes >= least) return { creates: now, probes: after.probes };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function send(phones: readonly string[], body = "Hello"): Promise<string> {
  const content = { kind: { case: "text", value: { body } } } as const;
  const recipients = phones.map((phone) => ({ phone }));
  return (await hub.dispatch.bulkSend({ content, recipients }, hub.call)).batchId;
}

/** Follows the batch until that many of its messages have been taken. */
async function taken(batchId: string, count: number): Promise<void> {
  for await (const { batch } of hub.status.watchBatch({ batchId }, hub.call)) {
    const gone = batch!.counts.filter(({ status }) => status >= MessageStatus.SUBMITTED);
    if (gone.reduce((sum, { count: n }) => sum + n, 0) >= count) return;
  }
}

/** Everybody got it, once, and no try was spent on the way. */
async function expectAllDelivered(batchId: string, phones: readonly string[]): Promise<void> {
  const batch = await hub.settled(batchId);
  expect(batch.state).toBe(BatchState.COMPLETED);
  expect(batch.counts.every(({ status }) => status >= MessageStatus.DELIVERED)).toBe(true);
  const ours = new Set((await hub.messages(batchId)).map(({ id }) => id));
  const ledger = (await readLedger(stack)).filter(({ statusCallback }) =>
    ours.has(new URL(statusCallback).searchParams.get("m")!),
  );
  expect(ledger.map(({ to }) => to).toSorted()).toEqual(phones.map((phone) => `whatsapp:${phone}`).toSorted());
  expect(await triesSpent(batchId)).toBe(0);
}

async function triesSpent(batchId: string): Promise<number> {
  const client = new Client({ connectionString: stack.urls.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query("select max(tries) as tries from message where batch_id = $1", [batchId]);
    return (rows as { tries: number }[])[0]!.tries;
  } finally {
    await client.end();
  }
}

test("credentials that stop working in mid-campaign fail nothing: the account pauses, tries, and goes on with them", async () => {
  const phones = fictionalPhones(300);
  const batchId = await send(phones);
  await taken(batchId, 50);
  await turnKnobs(stack, { failNext: [{ status: 401, code: 20003, times: 100_000 }] });

  const paused = await senderWhen(accountPaused);
  expect(paused.account!.sending).toMatchObject({
    pauseCode: 20003,
    pauseReason: "Twilio refused the account SID or auth token",
    pausedAt: { seconds: expect.any(BigInt) },
    probeAt: { seconds: expect.any(BigInt) },
  });
  expect(paused.effectiveMessagesPerSecond).toBe(0);

  // What was on its way when it was paused has ended by the first try.
  const first = await whilePaused(1);
  const later = await whilePaused(first.probes + 2);
  expect(later.creates - first.creates).toBe(later.probes - first.probes);

  await turnKnobs(stack, calm);
  await senderWhen(({ account }) => account!.sending!.state === SendingState.ACTIVE);
  await expectAllDelivered(batchId, phones);
});

test("a bad template pauses only its batch, burns none of its messages, and another batch of the sender goes on", async () => {
  const bad = fictionalPhones(200);
  const good = fictionalPhones(100, 701);
  await turnKnobs(stack, { failNext: bad.map((to) => ({ status: 400, code: 21655, times: 100, to })) });
  const badId = await send(bad);
  const goodId = await send(good);
  await expectAllDelivered(goodId, good);
  const { batch } = await hub.status.getBatch({ batchId: badId }, hub.call);
  expect(batch).toMatchObject({ state: BatchState.PAUSED, total: 200 });
  expect(batch!.counts).toMatchObject([{ status: MessageStatus.ACCEPTED, count: 200 }]);
  expect(await theSender()).toMatchObject({ effectiveMessagesPerSecond: 100 });

  await turnKnobs(stack, calm);
  await hub.dispatch.resumeBatch({ batchId: badId }, hub.call);
  await expectAllDelivered(badId, bad);
});

test("a storm of 429 slows the account down, spends no tries, and its speed comes back", async () => {
  const phones = fictionalPhones(300);
  await turnKnobs(stack, { rate429: 1 });
  const batchId = await send(phones);
  // What was handed out at the old speed is gone by the second halving.
  const slow = await senderWhen(({ account }) => account!.sending!.pace < 0.35);
  expect(slow.account!.sending).toMatchObject({ state: SendingState.ACTIVE });
  const at = performance.now();
  const from = await creates();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const perSecond = ((await creates()) - from) / ((performance.now() - at) / 1000);
  expect(perSecond).toBeLessThan(60);

  await turnKnobs(stack, calm);
  await expectAllDelivered(batchId, phones);
  expect(await senderWhen(({ account }) => account!.sending!.pace === 1)).toMatchObject({
    effectiveMessagesPerSecond: 100,
  });
});

test("ten requests in a row without a clear answer pause the account; exactly one request finds out that it is well again", async () => {
  const phones = fictionalPhones(300);
  await turnKnobs(stack, { rate503: 1 });
  const batchId = await send(phones);
  const paused = await senderWhen(accountPaused);
  expect(paused.account!.sending).toMatchObject({ pauseCode: 0, pauseReason: "unknown_outcomes" });
  const first = await whilePaused(1);
  const later = await whilePaused(first.probes + 1);
  expect(later.creates - first.creates).toBe(later.probes - first.probes);

  await turnKnobs(stack, calm);
  await senderWhen(({ account }) => account!.sending!.state === SendingState.ACTIVE);
  await taken(batchId, 150);
  const { batch } = await hub.status.getBatch({ batchId }, hub.call);
  expect(batch!.counts.some(({ status }) => status === MessageStatus.FAILED)).toBe(false);
});

describe("a person", () => {
  test("who pauses the account stops a campaign within two seconds; resumed, it ends as it should", async () => {
    const phones = fictionalPhones(400);
    const batchId = await send(phones);
    await taken(batchId, 50);
    const { account } = await theSender();
    await admin.pauseAccount({ accountId: account!.id, reason: "a typing mistake in the text" }, hub.call);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const gone = (await readLedger(stack)).length;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await readLedger(stack)).toHaveLength(gone);

    await admin.resumeAccount({ accountId: account!.id }, hub.call);
    await expectAllDelivered(batchId, phones);
  });

  test("reaches the same calls over Connect and JSON", async () => {
    const post = (method: string, body: unknown) =>
      fetch(`${stack.urls.gateway}/whatsapphub.v1.AdminService/${method}`, {
        method: "POST",
        headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const { senders } = (await (await post("ListSenders", {})).json()) as { senders: { id: string; phone: string }[] };
    expect(senders).toMatchObject([{ phone: stack.twilio.from.replace("whatsapp:", "") }]);
    const senderId = senders[0]!.id;
    expect(await (await post("PauseSender", { senderId, reason: "moving" })).json()).toMatchObject({
      sender: { sending: { state: "SENDING_STATE_PAUSED", pauseReason: "moving" } },
    });
    expect(await (await post("ResumeSender", { senderId })).json()).toMatchObject({
      sender: { effectiveMessagesPerSecond: 100, sending: { state: "SENDING_STATE_ACTIVE" } },
    });
    expect((await post("PauseSender", { senderId: "x" })).status).toBe(400);
  });
});
