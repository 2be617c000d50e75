import { messageIdRange } from "@wahub/domain";
import { BatchState, EventSource, type MessageStatus, type UnknownPolicy } from "@wahub/proto";
import type { Queryable } from "./queryable.ts";

/** How many messages of a batch stand in one place. */
export interface StoredCount {
  readonly status: MessageStatus;
  /** 0 where there is no error. */
  readonly errorCode: number;
  readonly count: number;
}

/** A batch and the sum of what became of its messages. */
export interface StoredBatch {
  readonly id: string;
  readonly state: BatchState;
  readonly total: number;
  readonly rejectedCount: number;
  /** By status, then error code; groups without messages are left out. Adds up to `total`. */
  readonly counts: readonly StoredCount[];
  readonly unknownPolicy: UnknownPolicy;
  /** Messages that are only assumed to have been taken. */
  readonly assumedCount: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly completedAt: Date | undefined;
  readonly settledAt: Date | undefined;
  readonly canceledAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  /** While it is paused. */
  readonly pause: StoredPause | undefined;
}

/** Why nothing of a batch is sent for the time being. */
export interface StoredPause {
  /** Twilio's; 0 for none. */
  readonly code: number;
  readonly reason: string;
  readonly at: Date;
}

interface BatchRow {
  id: string;
  state: BatchState;
  total: number;
  rejected_count: number;
  counts: StoredCount[];
  unknown_policy: UnknownPolicy;
  assumed: number;
  created_at: Date;
  updated_at: Date;
  completed_at: Date | null;
  settled_at: Date | null;
  canceled_at: Date | null;
  expires_at: Date | null;
  pause_code: number;
  pause_reason: string;
  paused_at: Date | null;
}

/**
 * One batch of a tenant with its counts, or undefined where there is none of that id. Folded and unfolded counts are
 * read by one statement, hence in one snapshot: a delta that is being folded is seen either here or there, never twice.
 */
export async function readBatch(pool: Queryable, tenantId: string, batchId: string): Promise<StoredBatch | undefined> {
  const ids = messageIdRange(batchId); // says in which partition they are
  const { rows } = await pool.query<BatchRow>(
    `select b.id, b.state, b.total, b.rejected_count, b.created_at, b.updated_at, b.completed_at, b.settled_at,
            b.canceled_at, b.expires_at, b.pause_code, b.pause_reason, b.paused_at,
            b.unknown_policy, coalesce(grouped.counts, '[]') as counts,
            (select count(*)::int from message where batch_id = b.id and evidence = ${EventSource.ASSUMED}
               and id between $3 and $4) as assumed
       from batch b
      cross join lateral (
         select jsonb_agg(
                  jsonb_build_object('status', g.status, 'errorCode', g.error_code, 'count', g.n)
                  order by g.status, g.error_code) as counts
           from (select parts.status, parts.error_code, sum(parts.n) as n
                   from (select status, error_code, n from batch_count where batch_id = b.id
                         union all
                         select status, error_code, n from batch_count_delta where batch_id = b.id) as parts
                  group by parts.status, parts.error_code
                 having sum(parts.n) <> 0) as g) as grouped
      where b.tenant_id = $1 and b.id = $2`,
    [tenantId, batchId, ids.first, ids.last],
  );
  const [row] = rows;
  return (
    row && {
      id: row.id,
      state: row.state,
      total: row.total,
      rejectedCount: row.rejected_count,
      counts: row.counts,
      unknownPolicy: row.unknown_policy,
      assumedCount: row.assumed,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
      completedAt: row.completed_at ?? undefined,
      settledAt: row.settled_at ?? undefined,
      canceledAt: row.canceled_at ?? undefined,
      expiresAt: row.expires_at ?? undefined,
      pause: pauseOf(row),
    }
  );
}

function pauseOf({ state, pause_code: code, pause_reason: reason, paused_at: at }: BatchRow): StoredPause | undefined {
  return state === BatchState.PAUSED && at ? { code, reason, at } : undefined;
}
