import { BatchState } from "@wahub/proto";
import type { Pool } from "pg";
import { sendingState } from "./entities/index.ts";

/**
 * Senders that have something to plan or to watch: a batch of theirs runs, and neither they nor their account are paused,
 * unless it is time for a message to try. Serves all tenants.
 */
export async function sendersWithWork(pool: Pool, now: Date): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select s.id from sender s join account a on a.id = s.account_id
     where ${mayHaveWork("s")} and ${mayHaveWork("a")}
       and exists (select from batch b where b.sender_id = s.id and b.state = ${BatchState.RUNNING})
     order by s.id`,
    [now],
  );
  return rows.map((row) => row.id);
}

function mayHaveWork(alias: string): string {
  return `(${alias}.state <> ${sendingState.paused} or ${alias}.probe_at <= $1)
      and (${alias}.hold_until is null or ${alias}.hold_until <= $1)`;
}
