import type { Pool } from "pg";

/**
 * Deletes parked callbacks whose message has not turned up by their expiry, the oldest first. Serves all tenants; safe
 * in many replicas, each takes other rows.
 *
 * @param limit most callbacks per call
 * @returns how many were deleted; equal to the limit means that there are probably more
 */
export async function deleteExpiredCallbacks(pool: Pool, now: Date, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from orphan_callback where id in (
       select id from orphan_callback where expires_at <= $1 order by expires_at limit $2 for update skip locked)`,
    [now, limit],
  );
  return rowCount ?? 0;
}
