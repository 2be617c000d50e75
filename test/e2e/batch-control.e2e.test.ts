import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { BatchState, MessageStatus, type Batch } from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { connectHub, fictionalPhones, twilioWord, type Hub } from "./hub.ts";
import { ledgerOf, simIsIdle, turnKnobs, type LedgerEntry } from "./ledger.ts";

/** How soon pausing, canceling and expiring have to bite, apart from requests already in flight. */
const biteMs = 2_000;

/** Twilio: the template's SID is unknown. */
const noSuchTemplate = 21655;

const { SUBMITTED, CANCELED, EXPIRED } = MessageStatus;
let stack: Stack;
let hub: Hub;

beforeAll(async () => {
  stack = await startStack({
    replicas: { dispatch: 2, sender: 2 },
    env: { dispatch: { SENDER_MESSAGES_PER_SECOND: "200" } },
  });
  hub = connectHub(stack);
  await turnKnobs(stack, { latencyMs: 50, latencyJitterMs: 30 });
});
afterAll(async () => {
  hub?.close();
  await stack?.stop();
});

async function send(count: number, expiresAt?: Date): Promise<string> {
  const { batchId } = await hub.dispatch.bulkSend(
    {
      content: { kind: { case: "text", value: { body: "Your parcel arrives tomorrow." } } },
      recipients: fictionalPhones(count).map((phone) => ({ phone })),
      ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
    },
    hub.call,
  );
  return batchId;
}

const countOf = ({ counts }: Batch, wanted: (status: MessageStatus) => boolean): number =>
  counts.reduce((sum, { status, count }) => (wanted(status) ? sum + count : sum), 0);

const atTwilio = (status: MessageStatus): boolean => status >= SUBMITTED && status !== CANCELED && status !== EXPIRED;

/** Resolves when Twilio has so many of the batch's messages. */
async function untilGone(batchId: string, count: number): Promise<void> {
  for await (const { batch } of hub.status.watchBatch({ batchId }, hub.call)) {
    if (countOf(batch!, atTwilio) >= count) return;
  }
  throw new Error(`the batch ended before ${count} had gone`);
}

async function untilState(batchId: string, state: BatchState): Promise<void> {
  for await (const { batch } of hub.status.watchBatch({ batchId }, hub.call)) if (batch!.state === state) return;
  throw new Error(`the batch ended before it was in state ${state}`);
}

/** The call through the gateway, as JSON, and when it was answered. */
async function act(
  method: "PauseBatch" | "ResumeBatch" | "CancelBatch",
  batchId: string,
): Promise<{ at: number; batch: Record<string, unknown> }> {
  const response = await fetch(`${stack.urls.gateway}/whatsapphub.v1.DispatchService/${method}`, {
    method: "POST",
    headers: { ...hub.call, "content-type": "application/json" },
    body: JSON.stringify({ batchId }),
  });
  const at = Date.now();
  const answer = (await response.json()) as { batch: Record<string, unknown> };
  expect([response.status, answer]).toMatchObject([200, { batch: { id: batchId } }]);
  return { at, batch: answer.batch };
}

/** A client notices only after a while that the service is back. */
async function untilDispatchAnswers(): Promise<void> {
  const answer = (): Promise<unknown> =>
    hub.dispatch.pauseBatch({ batchId: randomUUID() }, hub.call).catch((error: unknown) => error);
  while (((await answer()) as { kind: string }).kind === "unavailable") await sleep(100);
}

/** Every message that Twilio has is there once and stands where the database says, and it has no other. */
async function expectLedgerToMatch(batchId: string): Promise<LedgerEntry[]> {
  await simIsIdle(stack);
  const messages = await hub.messages(batchId);
  const entries = await ledgerOf(stack, messages);
  const gone = messages.filter(({ status }) => atTwilio(status));
  const bySid = (a: { sid: string }, b: { sid: string }): number => (a.sid < b.sid ? -1 : 1);
  expect(
    gone
      .map((m) => ({ sid: m.twilioSid, to: `whatsapp:${m.recipient}`, status: twilioWord(m.status) }))
      .toSorted(bySid),
  ).toEqual(entries.map(({ sid, to, status }) => ({ sid, to, status })).toSorted(bySid));
  expect(messages.filter((m) => !atTwilio(m.status) && m.twilioSid !== "")).toEqual([]);
  return entries;
}

const times = (entries: readonly LedgerEntry[]): number[] => entries.map(({ acceptedAt }) => Date.parse(acceptedAt));
const latest = (entries: readonly LedgerEntry[]): number => Math.max(...times(entries));

describe("canceling in mid-campaign", () => {
  test("keeps the rest from leaving within two seconds, and the sum balances", async () => {
    const batchId = await send(1000);
    await untilGone(batchId, 150);
    const { at, batch } = await act("CancelBatch", batchId);
    expect(batch).toMatchObject({ state: "BATCH_STATE_CANCELED" });
    const settled = await hub.settled(batchId);
    expect(settled.state).toBe(BatchState.CANCELED);
    const canceled = countOf(settled, (status) => status === CANCELED);
    const gone = countOf(settled, atTwilio);
    expect([canceled + gone, settled.total]).toEqual([1000, 1000]);
    expect(canceled).toBeGreaterThan(0);
    const entries = await expectLedgerToMatch(batchId);
    expect(entries).toHaveLength(gone);
    expect(latest(entries) - at).toBeLessThan(biteMs);
    await expect(hub.dispatch.resumeBatch({ batchId }, hub.call)).rejects.toMatchObject({ kind: "not_now" });
  });

  test("counts although one dispatch after the other dies right afterwards", async () => {
    const batchId = await send(1000);
    await untilGone(batchId, 50);
    const { at } = await act("CancelBatch", batchId);
    for (const dispatch of stack.replicas("dispatch")) {
      await dispatch.kill();
      await dispatch.restart();
    }
    const settled = await hub.settled(batchId);
    expect(countOf(settled, (status) => status === CANCELED) + countOf(settled, atTwilio)).toBe(1000);
    const entries = await expectLedgerToMatch(batchId);
    expect(latest(entries) - at).toBeLessThan(biteMs);
    await untilDispatchAnswers();
  });
});

describe("canceling while Twilio answers badly", () => {
  test("leaves every message where the evidence says, and the sum balances", async () => {
    // Taken and never answered, refused for now, and answered clearly.
    await turnKnobs(stack, { rateAcceptedReset: 0.1, rate429: 0.2 });
    try {
      const batchId = await send(600);
      await untilGone(batchId, 100);
      const { at } = await act("CancelBatch", batchId);
      const settled = await hub.settled(batchId);
      expect(settled.state).toBe(BatchState.CANCELED);
      expect(countOf(settled, (status) => status === CANCELED) + countOf(settled, atTwilio)).toBe(600);
      const entries = await expectLedgerToMatch(batchId);
      expect(entries.some(({ faults }) => faults.length > 0)).toBe(true);
      expect(latest(entries) - at).toBeLessThan(biteMs);
    } finally {
      await turnKnobs(stack, { rateAcceptedReset: 0, rate429: 0 });
    }
  });
});

describe("pausing in mid-campaign", () => {
  test("holds the batch and nothing else, and resuming it loses and doubles nothing", async () => {
    const batchId = await send(800);
    await untilGone(batchId, 150);
    const paused = await act("PauseBatch", batchId);
    expect(paused.batch).toMatchObject({ state: "BATCH_STATE_PAUSED", pause: { reason: "paused by a caller" } });
    // The same sender's next batch goes through meanwhile, all of it.
    const other = await hub.settled(await send(400));
    expect(other).toMatchObject({ state: BatchState.COMPLETED, settled: true });
    const { batch } = await hub.status.getBatch({ batchId }, hub.call);
    expect(batch).toMatchObject({ state: BatchState.PAUSED, settled: false });

    const resumed = await act("ResumeBatch", batchId);
    const settled = await hub.settled(batchId);
    expect(settled).toMatchObject({ state: BatchState.COMPLETED, total: 800 });
    expect(countOf(settled, (status) => status >= MessageStatus.DELIVERED)).toBe(800);
    const entries = await expectLedgerToMatch(batchId);
    expect(entries).toHaveLength(800);
    expect(new Set(entries.map(({ to }) => to)).size).toBe(800);
    const meanwhile = times(entries).filter((time) => time >= paused.at + biteMs && time < resumed.at);
    expect(meanwhile).toEqual([]);
    const goesOn = Math.min(...times(entries).filter((time) => time >= resumed.at));
    expect(goesOn - resumed.at).toBeLessThan(biteMs);
  });
});

describe("a batch that Twilio refuses for what all of it share", () => {
  test("is paused with Twilio's code and keeps its messages; resumed, everybody gets one", async () => {
    await turnKnobs(stack, { failNext: [{ status: 400, code: noSuchTemplate, times: 1 }] });
    const batchId = await send(500);
    await untilState(batchId, BatchState.PAUSED);
    const { batch } = await hub.status.getBatch({ batchId }, hub.call);
    expect(batch!.pause).toMatchObject({ code: noSuchTemplate });
    expect(countOf(batch!, (status) => status === MessageStatus.FAILED)).toBe(0);
    await act("ResumeBatch", batchId);
    const settled = await hub.settled(batchId);
    expect(countOf(settled, (status) => status >= MessageStatus.DELIVERED)).toBe(500);
    expect(await expectLedgerToMatch(batchId)).toHaveLength(500);
  });
});

describe("a batch whose time is over in mid-campaign", () => {
  test("leaves nothing for later: the rest is expired", async () => {
    const expiresAt = new Date(Date.now() + 2_500);
    const batchId = await send(1000, expiresAt);
    const settled = await hub.settled(batchId);
    expect(settled).toMatchObject({ state: BatchState.COMPLETED, expiresAt: timestampFromDate(expiresAt) });
    const expired = countOf(settled, (status) => status === EXPIRED);
    expect(expired).toBeGreaterThan(0);
    const entries = await expectLedgerToMatch(batchId);
    expect(entries).toHaveLength(1000 - expired);
    expect(latest(entries)).toBeLessThan(expiresAt.getTime() + biteMs);
  });
});
