import { HubError } from "@wahub/domain";
import type { Redis } from "ioredis";

/**
 * What a Redis that loses its power still has of what was appended.
 *
 * - `aof-always`: all of it; `append` resolves when it is on disk
 * - `aof`: all but the last second
 * - `memory`: nothing
 */
export type Durability = "aof-always" | "aof" | "memory";

/** With `appendfsync everysec` a write is on disk within a second, unless the disk is busy. */
const onDiskWithinMs = 2_500;

/** Asks Redis what it promises. Where the setting may not be read, the lesser promise is told. */
export async function readDurability(redis: Redis): Promise<Durability> {
  const isKept = /^aof_enabled:1\r?$/m.test(await redis.info("persistence"));
  if (!isKept) return "memory";
  if (await knowsWaitAof(redis)) return "aof-always";
  const setting = (await redis.config("GET", "appendfsync").catch(() => [])) as string[];
  return setting[1] === "always" ? "aof-always" : "aof";
}

/**
 * Waits until what this connection has written is on Redis's disk, as far as that can be asked: from Redis 7.2 on, and
 * where it keeps an append-only file at all.
 *
 * @throws {HubError} `unavailable` when it is not there in time
 */
export async function untilOnDisk(redis: Redis): Promise<void> {
  try {
    const [onDisk] = (await redis.call("WAITAOF", 1, 0, onDiskWithinMs)) as [number, number];
    if (onDisk < 1) throw new HubError("unavailable", "the spool has not reached the disk in time");
  } catch (error) {
    if (error instanceof Error && /unknown command|appendonly is disabled/i.test(error.message)) return;
    throw error;
  }
}

async function knowsWaitAof(redis: Redis): Promise<boolean> {
  const [command] = await redis.command("INFO", "waitaof");
  return command !== null;
}
