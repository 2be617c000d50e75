import { randomUUID } from "node:crypto";
import { HubError } from "@wahub/domain";
import type { Redis } from "ioredis";

/** Notices that Redis has lost everything. */
export interface Epoch {
  /**
   * `lost` once after each loss, as soon as this process sees it: what was queued must be offered again. A new process
   * that finds no epoch says `lost`, too: it cannot know what was in Redis before.
   *
   * @throws {HubError} `unavailable`; the loss, if any, is then reported by a later call
   */
  check(): Promise<"same" | "lost">;
}

/**
 * Keeps a random value in Redis that vanishes with everything else: by FLUSHALL, or a restart without persistence. All
 * processes share the value, and each of them sees that it is another one.
 */
export function createEpoch(options: { redis: Redis; prefix: string }): Epoch {
  const key = `${options.prefix}:epoch`;
  let known: string | undefined;

  async function current(): Promise<{ value: string | null; isNew: boolean }> {
    try {
      const isNew = (await options.redis.set(key, randomUUID(), "NX")) === "OK";
      return { value: await options.redis.get(key), isNew };
    } catch (cause) {
      throw new HubError("unavailable", "the epoch cannot be read", { cause });
    }
  }

  return {
    async check() {
      const { value, isNew } = await current();
      // Gone again between the two commands: the next call sees it.
      if (value === null) return "same";
      const lost = isNew || (known !== undefined && value !== known);
      known = value;
      return lost ? "lost" : "same";
    },
  };
}
