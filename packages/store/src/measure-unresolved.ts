import { MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";

/** More are not looked at: the measure must not cost more the worse things are. */
const mostMeasured = 10_000;

/**
 * How many messages are unknown, of all tenants, and since when the oldest of them is.
 *
 * @returns `count` is exact below 10,000; `oldest` is undefined where there is none
 */
export async function measureUnresolved(pool: Pool): Promise<{ count: number; oldest: Date | undefined }> {
  const { rows } = await pool.query<{ n: number; oldest: Date | null }>(
    `select count(*)::int as n, min(claimed_at) as oldest
     from (select claimed_at from message where status = ${MessageStatus.UNKNOWN} order by reconcile_at limit ${mostMeasured}) as u`,
  );
  return { count: rows[0]!.n, oldest: rows[0]!.oldest ?? undefined };
}
