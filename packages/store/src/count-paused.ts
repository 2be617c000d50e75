import { BatchState } from "@wahub/proto";
import { sendingState } from "./entities/index.ts";
import type { Queryable } from "./queryable.ts";

/** How many things of one kind are paused for one reason. */
export interface PausedCount {
  readonly scope: "account" | "sender" | "batch";
  /** 0 where a person paused them, or Twilio's silence. */
  readonly code: number;
  readonly count: number;
}

/** What is paused or still trying, of all tenants. */
export async function countPaused(db: Queryable): Promise<PausedCount[]> {
  const { rows } = await db.query<{ scope: PausedCount["scope"]; code: number; count: number }>(
    `select 'account' as scope, pause_code as code, count(*)::int as count
     from account where state <> ${sendingState.active} group by pause_code
     union all
     select 'sender', pause_code, count(*)::int from sender where state <> ${sendingState.active} group by pause_code
     union all
     select 'batch', pause_code, count(*)::int from batch where state = ${BatchState.PAUSED} group by pause_code`,
  );
  return rows;
}
