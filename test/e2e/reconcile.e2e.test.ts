import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  BatchState,
  EventSource,
  MessageStatus,
  UnknownPolicy,
  type Batch,
  type BulkSendRequest,
  type Message,
} from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { connectHub, type Hub } from "./hub.ts";
import { ledgerOf, turnKnobs, type LedgerEntry } from "./ledger.ts";

const { UNKNOWN, SUBMITTED } = MessageStatus;
const { RESPONSE, LIST, ASSUMED } = EventSource;

let stack: Stack;
let hub: Hub;

beforeAll(async () => {
  stack = await startStack({
    env: {
      dispatch: { RESEND_VALIDITY_S: "1" },
      sender: { LEASE_MS: "2000", SEND_WINDOW_MS: "800", TWILIO_TIMEOUT_MS: "1000", BREAKER_UNKNOWNS: "1000" },
      "webhook-ingest": {
        LEASE_SWEEP_EVERY_MS: "100",
        RECONCILE_EVERY_MS: "50",
        RECONCILE_AFTER_MS: "300",
        RECONCILE_SETTLE_MS: "400",
        RECONCILE_DEADLINE_MS: "4000",
      },
    },
  });
  hub = connectHub(stack);
});
afterAll(async () => {
  hub?.close();
  await stack?.stop();
});

// Callbacks would say it all: here only the list is left. Messages stay where Twilio took them.
const silent = { dropShare: 1, sentDelayMs: 600_000, failNext: [], listAliasShare: 0, listLagMs: 0, listRate500: 0 };
beforeEach(() => turnKnobs(stack, silent));

let area = 200;

/** Sends to people of whom each has a fault of its own, and waits until the hub is through. */
async function send(
  faults: readonly (string | undefined)[],
  change: Partial<Pick<BulkSendRequest, "unknownPolicy">> & { readonly phones?: readonly string[] } = {},
): Promise<{ batch: Batch; messages: Message[]; ledger: LedgerEntry[]; phones: readonly string[] }> {
  const { unknownPolicy = UnknownPolicy.UNSPECIFIED } = change;
  const codes = [212, 213, 214, 216, 303, 305, 312, 404, 415, 503];
  const phones = change.phones ?? faults.map((_, n) => `+1${codes[area++ % codes.length]}55501${10 + (area % 80) + n}`);
  const failNext = faults.flatMap((fault, n) => (fault === undefined ? [] : [{ fault, to: phones[n] }]));
  await turnKnobs(stack, { failNext });
  const { batchId } = await hub.dispatch.bulkSend(
    {
      content: { kind: { case: "text", value: { body: "Your parcel arrives tomorrow." } } },
      recipients: phones.map((phone) => ({ phone })),
      unknownPolicy,
    },
    hub.call,
  );
  return { ...(await outcome(batchId, ({ state }) => state === BatchState.COMPLETED)), phones };
}

async function outcome(batchId: string, isThrough: (batch: Batch) => boolean) {
  let last: Batch | undefined;
  for await (const { batch } of hub.status.watchBatch({ batchId }, hub.call)) {
    last = batch;
    if (batch && isThrough(batch)) break;
  }
  const messages = await hub.messages(batchId);
  return { batch: last!, messages, ledger: await ledgerOf(stack, messages) };
}

/** In the order of the phones: where each message stands, how that was learned, in which attempt, how often Twilio has it. */
function told({ messages, ledger, phones }: Awaited<ReturnType<typeof send>>) {
  return phones.map((phone) => {
    const message = messages.find(({ recipient }) => recipient === phone)!;
    const entries = ledger.filter((entry) => entry.statusCallback.includes(message.id));
    if (message.twilioSid !== "") expect(entries.map(({ sid }) => sid)).toContain(message.twilioSid);
    return [message.status, message.evidence, message.attempt, entries.length];
  });
}

describe("requests without a clear answer, and without callbacks", () => {
  test("are found in Twilio's list, or go out once more where Twilio never had them", async () => {
    const sent = await send([
      "acceptedReset",
      "acceptedHang",
      "accepted500",
      "acceptedTruncated",
      "acceptedNoJson",
      "reset",
      "hang",
      "500",
      "html502",
      undefined,
    ]);
    expect(told(sent)).toEqual([
      ...Array.from({ length: 5 }, () => [SUBMITTED, LIST, 1, 1]),
      ...Array.from({ length: 4 }, () => [SUBMITTED, RESPONSE, 2, 1]),
      [SUBMITTED, RESPONSE, 1, 1],
    ]);
    expect(sent.batch).toMatchObject({ assumedCount: 0, counts: [{ status: SUBMITTED, count: 10 }] });
  }, 60_000);

  test("are found in a list that is late", async () => {
    await turnKnobs(stack, { listLagMs: 2_300 });
    expect(told(await send(["acceptedReset"]))).toEqual([[SUBMITTED, LIST, 1, 1]]);
  }, 60_000);

  test("to a number with two forms are found under either, and never taken for absent", async () => {
    await turnKnobs(stack, { listAliasShare: 1 });
    const sent = await send(["acceptedReset", "reset"], { phones: ["+5511912345678", "+5511912345679"] });
    expect(told(sent)).toEqual([
      [SUBMITTED, LIST, 1, 1],
      [SUBMITTED, ASSUMED, 1, 0],
    ]);
    expect(sent.batch).toMatchObject({ assumedCount: 1, unknownPolicy: UnknownPolicy.ASSUME_SENT });
  }, 60_000);

  test("follow the batch's policy when the list cannot be had until the deadline", async () => {
    await turnKnobs(stack, { listRate500: 1 });
    expect(told(await send(["acceptedReset", "reset"]))).toEqual([
      [SUBMITTED, ASSUMED, 1, 1],
      [SUBMITTED, ASSUMED, 1, 0],
    ]);
    // Whoever chose this takes a second message for better than none.
    const resent = await send(["acceptedReset", "reset"], { unknownPolicy: UnknownPolicy.RESEND });
    expect(told(resent)).toEqual([
      [SUBMITTED, RESPONSE, 2, 2],
      [SUBMITTED, RESPONSE, 2, 1],
    ]);
  }, 60_000);

  test("wait for a person where the policy says so, who decides through the gateway", async () => {
    await turnKnobs(stack, {
      failNext: [
        { fault: "acceptedReset", to: "+5511912345671" },
        { fault: "reset", to: "+5511912345672" },
      ],
      listRate500: 1,
    });
    const { batchId } = await hub.dispatch.bulkSend(
      {
        content: { kind: { case: "text", value: { body: "Hello" } } },
        recipients: [{ phone: "+5511912345671" }, { phone: "+5511912345672" }],
        unknownPolicy: UnknownPolicy.HOLD,
      },
      hub.call,
    );
    const resolve = async (body: object): Promise<unknown> => {
      const response = await fetch(`${stack.urls.gateway}/whatsapphub.v1.DispatchService/ResolveUnknown`, {
        method: "POST",
        headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
        body: JSON.stringify({ batchId, ...body }),
      });
      expect(response.status).toBe(200);
      return response.json();
    };
    let messages = await hub.messages(batchId);
    const of = (phone: string): Message => messages.find(({ recipient }) => recipient === phone)!;
    const [assume, again] = ["+5511912345671", "+5511912345672"].map((phone) => of(phone).id);
    // Held as soon as somebody can decide; until then nothing is resolved.
    for (let resolved = 0; resolved === 0; await new Promise((later) => setTimeout(later, 200))) {
      const answer = await resolve({ messageIds: [assume], resolution: "UNKNOWN_RESOLUTION_ASSUME_SENT" });
      resolved = (answer as { resolvedCount?: number }).resolvedCount ?? 0;
    }
    messages = await hub.messages(batchId);
    expect(of("+5511912345672").status).toBe(UNKNOWN);
    for (let resolved = 0; resolved === 0; await new Promise((later) => setTimeout(later, 200))) {
      const answer = await resolve({ resolution: "UNKNOWN_RESOLUTION_SEND_AGAIN" });
      resolved = (answer as { resolvedCount?: number }).resolvedCount ?? 0;
    }
    const { batch, ledger, messages: ended } = await outcome(batchId, ({ state }) => state === BatchState.COMPLETED);
    expect(batch).toMatchObject({ assumedCount: 1, unknownPolicy: UnknownPolicy.HOLD });
    expect(ended.find(({ id }) => id === assume)).toMatchObject({ status: SUBMITTED, evidence: ASSUMED });
    expect(ended.find(({ id }) => id === again)).toMatchObject({ status: SUBMITTED, evidence: RESPONSE, attempt: 2 });
    expect(ledger).toHaveLength(2);
  }, 60_000);
});
