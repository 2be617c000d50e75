// `npm run queues`: what lies in each queue, once or (--watch) every second until Ctrl-C.
// Exit codes: 0 shown, 64 (EX_USAGE) an argument it does not know, 69 (EX_UNAVAILABLE) Redis is away, 78 (EX_CONFIG)
// REDIS_URL is missing or wrong.
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { createQueueInspector } from "./queue-counts.ts";
import { queuesTable } from "./queues-table.ts";

const everyMs = 1_000;
const clearScreen = "\u001b[H\u001b[2J";

process.exitCode = await main();

async function main(): Promise<number> {
  const watch = watchFlag();
  if (watch === undefined) return 64;
  const { REDIS_URL: redisUrl = "", REDIS_PREFIX: prefix = "" } = process.env;
  if (!/^rediss?:\/\//.test(redisUrl) || !URL.canParse(redisUrl)) {
    const fault = redisUrl === "" ? "is missing" : "is no Redis URL";
    console.error(`REDIS_URL ${fault}: set it to the hub's Redis, for example redis://:password@127.0.0.1:6379`);
    return 78;
  }
  const inspector = createQueueInspector({ redisUrl, prefix: prefix === "" ? "wahub" : prefix });
  const look = async () => {
    try {
      return { text: queuesTable(await inspector.counts()), ok: true };
    } catch {
      return { text: `Redis is not available at ${new URL(redisUrl).host} (REDIS_URL)`, ok: false };
    }
  };
  try {
    if (watch) return await showUntilStopped(look);
    const { text, ok } = await look();
    (ok ? console.log : console.error)(text);
    return ok ? 0 : 69;
  } finally {
    inspector.close();
  }
}

/** Redis may go away and come back meanwhile: the view says so and goes on. */
async function showUntilStopped(look: () => Promise<{ text: string }>): Promise<number> {
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopped.abort());
  while (!stopped.signal.aborted) {
    const { text } = await look();
    process.stdout.write(`${process.stdout.isTTY ? clearScreen : ""}${text}\n`);
    await sleep(everyMs, undefined, { signal: stopped.signal }).catch(() => {});
  }
  return 0;
}

function watchFlag(): boolean | undefined {
  try {
    return parseArgs({ options: { watch: { type: "boolean", default: false } } }).values.watch;
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run queues [-- --watch]`);
    return undefined;
  }
}
