// `npm run demo`: the whole way of a thousand messages, on this machine and with a simulated Twilio only.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { PROJECT_ROOT } from "../project.ts";
import { startStack } from "../stack.ts";
import type { Stack } from "../stack-types.ts";
import { stopRequests, StopRequest } from "../stop-request.ts";
import { createHubClient, type BatchView, type HubClient } from "./hub-client.ts";
import { createProgress } from "./progress.ts";
import { readRecipients } from "./recipients.ts";
import { findFaults, maskPhone, statusTable, submitRate, timelineTable } from "./report.ts";
import { readLedger } from "./sim-ledger.ts";

const TOTAL_LIMIT_MS = 110_000;
const POLL_MS = 200;
/** People go on reading after everything has arrived: the demo ends when nobody has for a while. */
const QUIET_MS = 1_500;
const LATECOMERS_MS = 8_000;
const BODY = "Your parcel is on its way and arrives tomorrow between 9 and 12.";

const { values: flags } = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const startedAt = performance.now();
const stop = stopRequests();
const broken = new AbortController();
const signal = AbortSignal.any([stop, broken.signal, AbortSignal.timeout(TOTAL_LIMIT_MS)]);

let starting: Promise<Stack> | undefined;
try {
  say("Starting PostgreSQL, Redis, a simulated Twilio and the five services ...");
  starting = startStack({ onUnexpectedEnd: (reason) => broken.abort(new Error(reason)) });
  const stack = await unlessAborted(starting);
  say(`Ready after ${seconds(startedAt)}. Gateway: ${stack.urls.gateway}. Logs: ${stack.logFolder}\n`);
  const faults = await sendAndFollow(stack);
  for (const fault of faults) console.error(`Not as it should be: ${fault}.`);
  process.exitCode = faults.length > 0 ? 1 : 0;
  if (faults.length === 0) say(`\nAll is well, ${seconds(startedAt)} after the start.`);
  if (flags.keep) await keepRunning(stack);
  else say(whatNext());
} catch (error) {
  process.exitCode = error instanceof StopRequest ? error.exitCode : 1;
  console.error(`\n${reasonFor(error)}`);
} finally {
  await (await starting?.catch(() => undefined))?.stop();
}
process.exit();

/** Returns what is wrong at the end; nothing if all is well. */
async function sendAndFollow(stack: Stack): Promise<string[]> {
  const hub = createHubClient({ url: stack.urls.gateway, apiKey: stack.apiKey, signal });
  const recipients = await readRecipients(join(PROJECT_ROOT, "examples", "recipients.csv"));
  const sentAt = performance.now();
  const { batchId, acceptedCount, rejectedCount } = await hub.bulkSend({
    idempotencyKey: `demo-${randomUUID()}`,
    body: BODY,
    recipients,
  });
  say(
    `One BulkSend call: ${acceptedCount} messages accepted, ${rejectedCount} rejected, in ${seconds(sentAt)}. Batch ${batchId}\n`,
  );

  const batch = await follow(hub, batchId, sentAt);
  const messages = await hub.listMessages(batchId);
  const ledger = await readLedger(stack.urls.sim, stack.twilio, signal);
  say(`\n${statusTable(batch)}\n`);
  const rate = submitRate(messages);
  if (rate !== undefined) {
    say(
      `Throughput: ${rate.toFixed(1)} messages per second, from Twilio's first answer to its last (the sender's pace is 80).`,
    );
  }
  say(`Twilio (the simulator) has ${ledger.length} messages in its ledger, the hub ${messages.length}.\n`);
  const example = messages.find(({ status }) => status === "read") ?? messages[0];
  if (example !== undefined) {
    say(`Message ${example.id} to ${maskPhone(example.recipient)}:\n`);
    say(timelineTable(await hub.getTimeline(example.id)));
  }
  const faults = findFaults(batch, messages, ledger);
  return rejectedCount > 0 ? [`${rejectedCount} recipients were rejected`, ...faults] : faults;
}

/** Shows the progress until the batch is settled and nothing has changed for a moment. */
async function follow(hub: HubClient, batchId: string, sentAt: number): Promise<BatchView> {
  const progress = createProgress(process.stdout);
  let settledAt = Number.POSITIVE_INFINITY;
  let changedAt = performance.now();
  let before = "";
  try {
    for (;;) {
      const batch = await hub.getBatch(batchId);
      const now = performance.now();
      progress.update(batch, now - sentAt);
      const counts = JSON.stringify(batch.counts);
      if (counts !== before) changedAt = now;
      before = counts;
      if (batch.settled) settledAt = Math.min(settledAt, now);
      if (now - settledAt >= LATECOMERS_MS || (batch.settled && now - changedAt >= QUIET_MS)) return batch;
      await sleep(POLL_MS, undefined, { signal });
    }
  } finally {
    progress.done();
  }
}

async function keepRunning(stack: Stack): Promise<void> {
  const call = [
    `curl ${stack.urls.gateway}/bulk-send \\`,
    `  -H 'authorization: Bearer ${stack.apiKey}' -H 'content-type: application/json' \\`,
    `  -d '{"phone_numbers": ["+12125550123"], "message": "Hello"}'`,
  ];
  say(`\nEverything keeps running until Ctrl-C. Send one yourself:\n\n${call.join("\n")}\n`);
  const ended = AbortSignal.any([stop, broken.signal]);
  if (!ended.aborted) await new Promise((resolve) => ended.addEventListener("abort", resolve, { once: true }));
  if (broken.signal.aborted) throw broken.signal.reason;
}

function whatNext(): string {
  return [
    "\nWhat to try next:",
    "  npm run demo -- --keep    leaves everything running, with a curl command to send one yourself",
    "  npm test                  all tests, on servers of their own",
    "  npm run sim -- --help     the simulated Twilio alone, and how to make it misbehave",
    "  ARCHITECTURE.md           how a message finds its way",
  ].join("\n");
}

function unlessAborted<T>(promise: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([promise, aborted]);
}

function reasonFor(error: unknown): string {
  if (stop.aborted) return (stop.reason as StopRequest).message;
  if (broken.signal.aborted) return `A service ended by itself: ${(broken.signal.reason as Error).message}`;
  if (signal.aborted) return `Not settled within ${TOTAL_LIMIT_MS / 1_000} s.`;
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
