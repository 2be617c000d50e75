import { once } from "node:events";
import { HubError } from "@wahub/domain";
import type { Redis } from "ioredis";
import { answered } from "./answered.ts";
import { createDrain, type DrainOptions, type DrainResult } from "./drain.ts";
import { readDurability, untilOnDisk, type Durability } from "./durability.ts";
import { entryOverheadBytes, keysOf } from "./keys.ts";
import { group } from "./read-entries.ts";
import { loadScript } from "./script.ts";

export interface SpoolOptions {
  /** A connection of the caller's, who closes it. Its own: `append` may hold it until the disk has answered. */
  readonly redis: Redis;
  /** Of all keys. */
  readonly prefix: string;
  /** Which spool: one per kind of fact. Its keys are `<prefix>:{spool}:<name>` and what begins like that. */
  readonly name: string;
  /** What it may hold, in megabytes, with what was set aside. Default: `defaultMaxMb`. */
  readonly maxMb?: number;
}

/** About fifty thousand outcomes. */
export const defaultMaxMb = 16;

/** What lies in a spool. */
export interface SpoolSize {
  /** Not handled yet, those in somebody's hands included. */
  readonly entries: number;
  /** Could not be handled in many tries; for people to look at. */
  readonly aside: number;
  /** Of both. */
  readonly bytes: number;
  /** Age of the oldest of `entries` on Redis's clock; 0 where there is none. */
  readonly oldestAgeMs: number;
}

/**
 * Keeps facts in Redis while whoever they are for is away. Each is handled at least once, so handling one twice must be
 * harmless. Nothing is trimmed and nothing expires; what a flush of Redis takes is gone.
 *
 * Every function fails with `HubError` `unavailable` where Redis does not answer.
 */
export interface Spool {
  /**
   * Resolves when the facts are as safe as Redis can promise, see `durability`. When it fails some or all may be there:
   * appending them again is harmless.
   *
   * @throws {HubError} `unavailable`, also when the spool is full: then nothing was appended
   */
  append(payloads: readonly Uint8Array[]): Promise<void>;
  /** One round of handing out what lies here; see `DrainOptions`. Safe in many processes at once. */
  drain(options: DrainOptions): Promise<DrainResult>;
  /**
   * Puts what was set aside back in line for one more try: a new release may understand it, or what refused it may be
   * over. Returns how many.
   */
  retryAside(): Promise<number>;
  size(): Promise<SpoolSize>;
  /** True when no fact is here: none waits, none is in anybody's hands, none was set aside. */
  isEmpty(): Promise<boolean>;
  durability(): Promise<Durability>;
}

const append = loadScript("append");
const retryAside = loadScript("retry-aside");

/** More failures than anybody lets a fact have. */
const oftenEnough = 1_000_000;

/** Entries put back per call of the script, which blocks Redis meanwhile. */
const asidePerCall = 500;

/** See `Spool`. */
export function createSpool(options: SpoolOptions): Spool {
  const { redis } = options;
  const keys = keysOf(options.prefix, options.name);
  const maxBytes = (options.maxMb ?? defaultMaxMb) * 1024 * 1024;

  return {
    append: (payloads) =>
      answered(async () => {
        if (payloads.length === 0) return;
        const buffers = payloads.map((payload) => Buffer.from(payload));
        await onOneConnection(redis, async () => {
          const args = [group, maxBytes, entryOverheadBytes, ...buffers];
          if ((await append(redis, [keys.stream, keys.bytes], args)) === 0) {
            throw new HubError("unavailable", `the spool ${options.name} is full`);
          }
          await untilOnDisk(redis);
        });
      }),

    drain: createDrain(redis, keys),

    retryAside: () =>
      answered(async () => {
        let total = 0;
        for (;;) {
          const moved = await retryAside(
            redis,
            [keys.stream, keys.aside, keys.failures],
            [group, asidePerCall, oftenEnough],
          );
          total += moved;
          if (moved < asidePerCall) return total;
        }
      }),

    size: () =>
      answered(async () => {
        const [entries, aside, bytes, oldest, time] = await Promise.all([
          redis.xlen(keys.stream),
          redis.xlen(keys.aside),
          redis.get(keys.bytes),
          redis.xrange(keys.stream, "-", "+", "COUNT", 1),
          redis.time(),
        ]);
        const nowMs = Number(time[0]) * 1000 + Number(time[1]) / 1000;
        const since = oldest[0] === undefined ? nowMs : Number(oldest[0][0].split("-")[0]);
        return { entries, aside, bytes: Number(bytes ?? 0), oldestAgeMs: Math.max(0, Math.round(nowMs - since)) };
      }),

    isEmpty: () =>
      answered(async () => {
        const [entries, aside] = await Promise.all([redis.xlen(keys.stream), redis.xlen(keys.aside)]);
        return entries + aside === 0;
      }),

    durability: () => answered(() => readDurability(redis)),
  };
}

/** Redis answers for the disk per connection: on a new one it would say yes to what was written on the old one. */
async function onOneConnection(redis: Redis, work: () => Promise<void>): Promise<void> {
  if (redis.status !== "ready") await redis.ping();
  const over = new AbortController();
  let isBroken = false;
  once(redis, "close", { signal: over.signal }).then(
    () => (isBroken = true),
    () => undefined,
  );
  try {
    await work();
  } finally {
    over.abort();
  }
  if (isBroken) throw new HubError("unavailable", "the connection to Redis was lost while facts were appended");
}
