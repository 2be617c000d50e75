import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { HubError } from "@wahub/domain";
import type { Redis } from "ioredis";
import { defaultSenderBurstMs } from "./limiter.ts";
import type { LimiterOptions, RateLimiter, Turn, TurnRequest, UnusedTurn } from "./limiter.ts";
import { paceOf } from "./pace.ts";

const acquireScript = loadScript("acquire");
const releaseScript = loadScript("release");

/** Keys outlive their use, so that neither a clock that is a little off nor one that is passed in loses a count. */
const keyGraceMs = 60_000;

/**
 * The limits in Redis, shared by all senders. Counts on the clock of the Redis server, whatever the clocks of the
 * senders say. A FLUSHALL forgets the counts: each recipient may then get up to `max` more.
 *
 * @param options.redis a connection of the caller, who closes it
 * @param options.prefix of all keys
 * @param options.now ms, in place of Redis's clock: for tests
 */
export function createRedisLimiter(
  options: LimiterOptions & { redis: Redis; prefix: string; now?: () => number },
): RateLimiter {
  const { redis, prefix, now } = options;
  const { max, windowMs } = options.recipientLimit;
  const burstMs = options.senderBurstMs ?? defaultSenderBurstMs;

  async function acquire({ senderId, messagesPerSecond, recipientHash, maxWaitMs = 0 }: TurnRequest): Promise<Turn> {
    const pace = paceOf(messagesPerSecond, burstMs);
    const nowUs = now === undefined ? "" : Math.floor(now() * 1000);
    // The hash tag puts both keys into one slot of a Redis Cluster; a script may not span two.
    const keys = [recipientKey(recipientHash), `${prefix}:{limit}:sender:${senderId}`];
    const args = [max, windowMs, pace.intervalUs, pace.toleranceUs, keyGraceMs, nowUs, maxWaitMs * 1000];
    const answer = await run(redis, acquireScript, keys, args);
    const [waitUs, grant] = answer as [number, number | "sender" | "recipient"];
    const waitMs = Math.ceil(waitUs / 1000);
    return typeof grant === "number"
      ? { granted: true, waitMs, grantedAt: grant }
      : { granted: false, waitMs, limitedBy: grant };
  }

  async function release({ recipientHash, grantedAt }: UnusedTurn): Promise<void> {
    await run(redis, releaseScript, [recipientKey(recipientHash)], [grantedAt]);
  }

  function recipientKey(recipientHash: string): string {
    return `${prefix}:{limit}:recipient:${recipientHash}`;
  }

  return { acquire, release };
}

interface Script {
  readonly text: string;
  readonly sha: string;
}

function loadScript(name: string): Script {
  const text = readFileSync(new URL(`./${name}.lua`, import.meta.url), "utf8");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Runs the script by its digest, and sends its text where Redis lacks it: after a restart or SCRIPT FLUSH. */
async function run(redis: Redis, script: Script, keys: string[], args: (string | number)[]): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha, keys.length, ...keys, ...args).catch((error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return redis.eval(script.text, keys.length, ...keys, ...args);
    });
  } catch (cause) {
    throw new HubError("unavailable", "the rate limits cannot be reached", { cause });
  }
}
