// npm run chaos -- [--seed N] [--minutes M]: everything goes wrong at once, and at the end everybody has got one message.
import { setTimeout as sleep } from "node:timers/promises";
import { startStack, type Stack } from "@wahub/stack";
import { Client } from "pg";
import { turnKnobs } from "../e2e/ledger.ts";
import { audit } from "./audit.ts";
import { planStorm, REPLICAS } from "./blows.ts";
import { createCallers, type Placed } from "./callers.ts";
import { planCampaign } from "./campaign.ts";
import { readBatches, readFaults, readLedger, readRows, toLedgerRow } from "./collect.ts";
import { tellHistory } from "./history.ts";
import { judge } from "./judge.ts";
import { readOptions, type ChaosOptions } from "./options.ts";
import { blowTable, endings, faultTable, findingLines, listOnly, throughput, unknownSummary } from "./report.ts";
import { ENVIRONMENT, LEASE_MS, MESSAGES_PER_SECOND, STALL_TWILIO_MS, VERDICT_MS } from "./settings.ts";
import { standing, untilSettled } from "./settle.ts";
import { storm, type Struck } from "./storm.ts";
import { CALM, WEATHER } from "./weather.ts";

const SETTLE_MS = 180_000;
const RESTART_AFTER_MS = 400;
const HISTORIES = 5;
/** What is left of the time for the last words and for ending everything. */
const LAST_WORDS_MS = 20_000;

const startedAt = performance.now();
const options = readOptions(process.argv.slice(2));
const giveUp = new AbortController();
// Whatever hangs: the run ends, and the watchdog ends what it has started.
const hardStop = setTimeout(() => {
  console.error(`\nGiven up: not done within ${options.withinMs / 60_000} minutes. ${again(options)}`);
  process.exit(1);
}, options.withinMs);
const softStop = setTimeout(
  () => giveUp.abort(new Error("the time is over")),
  Math.max(1_000, options.withinMs - LAST_WORDS_MS),
);
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => giveUp.abort(new Error(name)));
}

let starting: Promise<Stack> | undefined;
try {
  say(`seed ${options.seed}: a storm of ${options.stormMs / 60_000} minutes. Starting everything ...`);
  starting = startStack({
    durable: true,
    relays: true,
    replicas: REPLICAS,
    restartAfterMs: RESTART_AFTER_MS,
    env: { ...ENVIRONMENT, sim: { SIM_SEED: `chaos ${options.seed}` } },
  });
  const stack = await starting;
  say(`all is running. Logs: ${stack.logFolder}`);
  const isWell = await run(stack);
  process.exitCode = isWell ? 0 : 1;
  say(isWell ? "0 lost, 0 twice, all settled." : `NOT as it should be. ${again(options)}`);
} catch (error) {
  process.exitCode = 1;
  console.error(error);
  say(again(options));
} finally {
  clearTimeout(softStop);
  await (await starting?.catch(() => undefined))?.stop();
  clearTimeout(hardStop);
}
process.exit();

async function run(stack: Stack): Promise<boolean> {
  const { seed, stormMs } = options;
  const { signal } = giveUp;
  const plan = planStorm(seed, { stormMs, leaseMs: LEASE_MS, verdictMs: VERDICT_MS, stallTwilioMs: STALL_TWILIO_MS });
  const orders = planCampaign(seed, { stormMs, messagesPerSecond: MESSAGES_PER_SECOND });
  const total = orders.reduce((sum, { recipients }) => sum + recipients.length, 0);
  say(`${orders.length} batches with ${total} recipients; ${plan.length} blows`);

  await turnKnobs(stack, WEATHER);
  const callers = createCallers({ stack, seed, say, signal });
  const failures: unknown[] = [];
  const placing = Promise.all(
    orders.map((order) =>
      callers.place(order).catch((error: unknown) => {
        failures.push(error);
        say(String(error));
        return undefined;
      }),
    ),
  );
  const struck = await storm(plan, { stack, weather: WEATHER, say, signal });
  await sleep(Math.max(0, stormMs - (plan.at(-1)?.atMs ?? 0)), undefined, { signal });
  await turnKnobs(stack, CALM);
  say("the storm is over");
  const placed = (await placing).filter((one) => one !== undefined);
  const database = new Client({ connectionString: stack.urls.databaseUrl });
  await database.connect();
  try {
    const held = placed.filter(({ order }) => order.policy === "hold").map(({ batchId }) => batchId);
    const settled = await untilSettled(
      { stack, database, held, decideHeld: (batchId) => callers.decideHeld(batchId), say, signal },
      SETTLE_MS,
    );
    say(`${settled ? "settled" : "NOT SETTLED"}: ${await standing(database)}`);
    return (await conclude(stack, database, placed, struck)) && settled && failures.length === 0;
  } finally {
    callers.close();
    await database.end();
  }
}

async function conclude(
  stack: Stack,
  database: Client,
  placed: readonly Placed[],
  struck: readonly Struck[],
): Promise<boolean> {
  const rows = await readRows(database);
  const batches = await readBatches(database);
  const entries = await readLedger(stack);
  const faults = await readFaults(stack);
  const ledger = entries.map(toLedgerRow);
  const { faults: counts } = (await (await fetch(`${stack.urls.sim}/sim/stats`)).json()) as {
    faults: Readonly<Record<string, number>>;
  };
  const findings = judge({
    orders: placed.map(({ order, batchId }) => {
      return { name: order.name, batchId, recipients: order.recipients, atMostOnce: true };
    }),
    rows,
    ledger,
  });

  const requestFaults = Object.values(counts).reduce((sum, count) => sum + count, 0);
  console.log(`\n${blowTable(struck)}\n\n${faultTable(counts, faults, rows)}\n`);
  say(`${struck.filter(({ outcome }) => outcome === "done").length} blows, ${requestFaults} faults of requests`);
  say(throughput(ledger, options.stormMs));
  say(`${rows.length} messages in ${batches.length} batches: ${endings(rows)}`);
  say(await unknownSummary(database));
  say(listOnly(entries));
  const { isBalanced, words } = await audit(stack.urls.databaseUrl);
  say(`${isBalanced ? "the sums balance" : "THE SUMS DO NOT BALANCE"}: ${words}`);
  for (const line of findingLines(findings).slice(0, 40)) say(line);
  if (findings.length > 40) say(`... and ${findings.length - 40} more`);
  const ids = new Set(findings.flatMap(({ messageId }) => (messageId === undefined ? [] : [messageId])));
  for (const id of [...ids].slice(0, HISTORIES)) {
    console.log(`\nThe history of ${id}:`);
    console.log(await tellHistory(id, { database, ledger: entries, faults, logFolder: stack.logFolder }));
  }
  return isBalanced && findings.length === 0;
}

function again({ seed, stormMs }: ChaosOptions): string {
  return `The same plan again: npm run chaos -- --seed ${seed} --minutes ${stormMs / 60_000}`;
}

function say(line: string): void {
  console.log(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
}
