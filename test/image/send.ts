import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createHubClient, type BatchView, type HubClient } from "../../tools/stack/src/demo/hub-client.ts";
import { readRecipients } from "../../tools/stack/src/demo/recipients.ts";
import { findFaults } from "../../tools/stack/src/demo/report.ts";
import { readLedger } from "../../tools/stack/src/demo/sim-ledger.ts";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import type { HubInContainers } from "./hub.ts";

const limitMs = 180_000;
const body = "Your parcel is on its way.";

/** The demo's recipients, all the way; throws what the demo would find wrong. */
export async function sendToAll(hub: HubInContainers, idempotencyKey: string): Promise<string> {
  const { client, signal } = clientOf(hub);
  const recipients = await readRecipients(join(PROJECT_ROOT, "examples", "recipients.csv"));
  const { batchId } = await client.bulkSend({ idempotencyKey, body, recipients });
  const batch = await settled(client, batchId);
  const ledger = await readLedger(hub.simUrl, hub.twilio, signal);
  refuse(findFaults(batch, await client.listMessages(batchId), ledger));
  return `${batch.total} accepted, ${ledger.length} in the simulator's ledger`;
}

/**
 * A batch whose sender is told to stop while it works, and replaced: it ends in time, and its successor sends the rest.
 * Nobody gets nothing or two, and no outcome is unknown.
 */
export async function sendThroughRestart(
  hub: HubInContainers,
  idempotencyKey: string,
  stopLimitMs: number,
): Promise<string> {
  const { client, signal } = clientOf(hub);
  const before = (await readLedger(hub.simUrl, hub.twilio, signal)).length;
  const recipients = (await readRecipients(join(PROJECT_ROOT, "examples", "recipients.csv"))).slice(0, 400);
  const { batchId } = await client.bulkSend({ idempotencyKey, body, recipients });
  while ((await readLedger(hub.simUrl, hub.twilio, signal)).length < before + 50)
    await sleep(50, undefined, { signal });

  const end = await hub.services.get("sender")!.terminate();
  const sentThen = (await readLedger(hub.simUrl, hub.twilio, signal)).length - before;
  const unknown =
    countOf(await client.getBatch(batchId), "unknown") + countOf(await client.getBatch(batchId), "sending");
  await hub.startAgain("sender");
  const batch = await settled(client, batchId);
  const sent = (await readLedger(hub.simUrl, hub.twilio, signal)).length - before;

  if (end.code !== 0 || end.tookMs > stopLimitMs)
    refuse([`the sender ended with ${end.code} after ${Math.round(end.tookMs)} ms`]);
  if (sentThen >= recipients.length) refuse(["the batch was over before the sender stopped"]);
  if (unknown > 0) refuse([`${unknown} messages were left without an outcome`]);
  if (sent !== recipients.length || batch.total !== recipients.length)
    refuse([`${sent} messages reached the simulator instead of ${recipients.length}`]);
  return `ended after ${Math.round(end.tookMs)} ms with ${sentThen} of ${sent} sent; its successor sent the rest, none twice`;
}

function clientOf(hub: HubInContainers): { client: HubClient; signal: AbortSignal } {
  const signal = AbortSignal.timeout(limitMs);
  return { client: createHubClient({ url: hub.gatewayUrl, apiKey: hub.apiKey, signal }), signal };
}

async function settled(client: HubClient, batchId: string): Promise<BatchView> {
  for (;;) {
    const batch = await client.getBatch(batchId);
    if (batch.settled) return batch;
    await sleep(200);
  }
}

function countOf(batch: BatchView, status: string): number {
  return batch.counts.filter((one) => one.status === status).reduce((sum, { count }) => sum + count, 0);
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults.join("; "));
}
