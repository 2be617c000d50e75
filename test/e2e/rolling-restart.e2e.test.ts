import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createGrpcClient } from "@wahub/platform";
import { BatchState, DispatchService, MessageStatus } from "@wahub/proto";
import { startStack, type Stack } from "@wahub/stack";
import { SERVICE_NAMES } from "../../tools/stack/src/service-name.ts";
import { connectHub, fictionalPhones, type Hub } from "./hub.ts";
import { ledgerOf, simIsIdle } from "./ledger.ts";

const grpcCallers = 3;
const httpCallers = 3;
/** Slower than the senders, so that what is called for is also sent while services go. */
const betweenCallsMs = 250;
const recipientsPerCall = 5;
/**
 * The next replica goes when clients have found the last one again, which takes their longest pause between two tries. A
 * rollout waits as long: the chart's minReadySeconds and preStopSeconds together are longer.
 */
const reconnectMs = 5_500;
/** As a careful client: the same call again, with the same key, until somebody answers. */
const triesPerCall = 20;

const pool = fictionalPhones(1000);
let next = 0;
let stack: Stack;
let hub: Hub;

beforeAll(async () => {
  const two = Object.fromEntries(SERVICE_NAMES.map((name) => [name, 2]));
  stack = await startStack({
    replicas: two,
    // Other limits than the callers' retries are not what this is about.
    env: { dispatch: { SENDER_MESSAGES_PER_SECOND: "200" }, sender: { RECIPIENT_LIMIT_MAX: "10000" } },
  });
  hub = connectHub(stack);
});
afterAll(async () => {
  hub?.close();
  await stack?.stop();
});

test("every service is replaced under load: no call fails after its client's retries, nothing is lost, nothing sent twice", async () => {
  const dispatch = createGrpcClient(DispatchService, stack.urls.dispatchGrpc, { retryMethods: ["BulkSend"] });
  const batches: string[] = [];
  const failed: unknown[] = [];
  let calls = 0;
  let repeated = 0;
  let over = false;

  const untilOver = async (call: (key: string) => Promise<string>): Promise<void> => {
    for (; !over; await sleep(betweenCallsMs)) {
      const key = randomUUID();
      calls += 1;
      for (let tries = 1; ; tries += 1) {
        try {
          batches.push(await call(key));
          break;
        } catch (error) {
          if (tries === triesPerCall) {
            failed.push(error);
            break;
          }
          repeated += 1;
          await sleep(100);
        }
      }
    }
  };
  const byGrpc = (key: string): Promise<string> =>
    dispatch
      .bulkSend(
        {
          idempotencyKey: key,
          content: { kind: { case: "text", value: { body: "Hello" } } },
          recipients: phones().map((phone) => ({ phone })),
        },
        hub.call,
      )
      .then(({ batchId }) => batchId);
  let turn = 0;
  const byHttp = async (key: string): Promise<string> => {
    const gateways = stack.replicas("gateway").filter(({ running }) => running);
    const gateway = gateways[(turn += 1) % gateways.length]!;
    const response = await fetch(`http://127.0.0.1:${gateway.ports["http"]}/bulk-send`, {
      method: "POST",
      headers: { ...hub.call, "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ phone_numbers: phones(), message: "Hello" }),
    });
    if (!response.ok) throw new Error(`answered ${response.status}: ${await response.text()}`);
    return ((await response.json()) as { batch_id: string }).batch_id;
  };
  const callers = [
    ...Array.from({ length: grpcCallers }, () => untilOver(byGrpc)),
    ...Array.from({ length: httpCallers }, () => untilOver(byHttp)),
  ];

  for (const name of SERVICE_NAMES) {
    for (const replica of stack.replicas(name)) {
      await replica.restart();
      if ("grpc" in replica.ports) await sleep(reconnectMs);
    }
  }
  over = true;
  await Promise.all(callers);
  dispatch.close();

  expect(failed).toEqual([]);
  expect(new Set(batches).size).toBe(calls);
  for (const batchId of batches) await completed(batchId);
  await simIsIdle(stack);
  const messages = (await Promise.all(batches.map((batchId) => hub.messages(batchId)))).flat();
  const ledger = await ledgerOf(stack, messages);
  expect(messages).toHaveLength(calls * recipientsPerCall);
  // Twilio took each. What it reported at the moment its door was replaced may have got lost, so not each is delivered.
  expect(messages.filter(({ status }) => status < MessageStatus.SUBMITTED)).toEqual([]);
  expect(ledger.map(({ sid }) => sid).toSorted()).toEqual(messages.map(({ twilioSid }) => twilioSid).toSorted());
  console.log(
    `${calls} calls, ${repeated} repeated, 0 failed; ${messages.length} messages, ${ledger.length} in the ledger`,
  );
}, 400_000);

/** Nothing of the batch waits or is unknown any more. */
async function completed(batchId: string): Promise<void> {
  for (;;) {
    const { batch } = await hub.status.getBatch({ batchId }, hub.call);
    if (batch?.state === BatchState.COMPLETED) return;
    await sleep(200);
  }
}

/** The next few of a thousand numbers that belong to nobody. */
function phones(): string[] {
  const from = next % pool.length;
  next += recipientsPerCall;
  return pool.slice(from, from + recipientsPerCall);
}
