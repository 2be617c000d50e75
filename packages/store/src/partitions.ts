import type { Queryable } from "./queryable.ts";

const dayMs = 24 * 3600 * 1000;

/** Callers may bring a batch up to a week old back to life, and clocks differ. */
const behindMs = 7 * dayMs;

/** Time for someone to notice when nothing creates partitions any more. */
const aheadMs = 35 * dayMs;

/**
 * Creates the missing weekly partitions of message, message_event and message_attempt from a week before `now` to five
 * weeks after it, and returns how many it created. A message outside all partitions cannot be stored, so this runs at
 * every start and from time to time. Safe from many processes at once; readers and writers do not wait for it.
 */
export async function ensurePartitions(pool: Queryable, now: Date): Promise<number> {
  const { rows } = await pool.query<{ created: number }>("select ensure_partitions($1, $2) as created", [
    new Date(now.getTime() - behindMs),
    new Date(now.getTime() + aheadMs),
  ]);
  return rows[0]!.created;
}
