import { unfinishedStatuses, unsettledStatuses } from "@wahub/domain";
import { BatchState } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { withTransaction } from "./transaction.ts";

/** A batch that took a step in its life. */
export interface BatchStep {
  readonly tenantId: string;
  readonly batchId: string;
  /** COMPLETED or CANCELED. */
  readonly state: BatchState;
  readonly total: number;
  readonly createdAt: Date;
}

/** What one round of folding did. */
export interface FoldResult {
  /** Delta rows folded away; equal to the limit means that there are probably more. */
  readonly folded: number;
  readonly completed: readonly BatchStep[];
  readonly settled: readonly BatchStep[];
}

/**
 * Folds the oldest delta rows into the batches' counts and, in the same transaction, completes and settles the batches
 * that the deltas concern, as far as that is true. Serves all tenants; safe in many replicas, each takes other rows.
 *
 * @param limit most delta rows per call
 */
export async function foldCounts(pool: Pool, options: { now: Date; limit: number }): Promise<FoldResult> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ batch_id: string; rows: number }>(
      `with folded as (
         delete from batch_count_delta where id in (
           select id from batch_count_delta order by id limit $1 for update skip locked)
         returning tenant_id, batch_id, status, error_code, n
       ), summed as (
         select tenant_id, batch_id, status, error_code, sum(n)::int as n, count(*)::int as rows
         from folded group by tenant_id, batch_id, status, error_code
       ), counted as (
         insert into batch_count as c (tenant_id, batch_id, status, error_code, n)
         select tenant_id, batch_id, status, error_code, n from summed
         order by batch_id, status, error_code
         on conflict (batch_id, status, error_code) do update set n = c.n + excluded.n
       )
       select batch_id, sum(rows)::int as rows from summed group by batch_id`,
      [options.limit],
    );
    const batchIds = rows.map((row) => row.batch_id);
    return {
      folded: rows.reduce((sum, row) => sum + row.rows, 0),
      completed: batchIds.length > 0 ? await completeBatches(client, batchIds, options.now) : [],
      settled: batchIds.length > 0 ? await settleBatches(client, batchIds, options.now) : [],
    };
  });
}

/** Settles batches that were completed before `completedBefore`, whatever is still on its way. Serves all tenants. */
export async function settleOverdueBatches(
  pool: Pool,
  options: { now: Date; completedBefore: Date; limit: number },
): Promise<BatchStep[]> {
  const { rows } = await pool.query<BatchStepRow>(
    `update batch set settled_at = $1, updated_at = $1
     where id in (select id from batch where completed_at < $2 and settled_at is null
                  order by completed_at limit $3 for update skip locked)
     returning id, tenant_id, state, total, created_at`,
    [options.now, options.completedBefore, options.limit],
  );
  return rows.map(toBatchStep);
}

/** Messages of these batches by status: folded counts and deltas together, as one statement sees them. */
const openMessages = `
  select batch_id, sum(n) as stored,
         sum(n) filter (where status = any($2::smallint[])) as unfinished,
         sum(n) filter (where status = any($3::smallint[])) as unsettled
  from (select batch_id, status, n from batch_count where batch_id = any($1::uuid[])
        union all
        select batch_id, status, n from batch_count_delta where batch_id = any($1::uuid[])) counts
  group by batch_id`;

/** All messages are stored, and the last of them may be done with. */
const startedStates = [BatchState.RUNNING, BatchState.PAUSED, BatchState.CANCELED];

/**
 * Completed: every message is stored, and none waits or is unresolved. No edge of a message leads back from there
 * (`statusEdges`), so it stays true. A batch that was called off keeps that state, also where that happens just now: the
 * state is read under the row lock.
 */
async function completeBatches(client: PoolClient, batchIds: readonly string[], now: Date): Promise<BatchStep[]> {
  const { rows } = await client.query<BatchStepRow>(
    `update batch b
     set state = case when b.state = $7 then b.state else $4 end, completed_at = $5, updated_at = $5
     from (${openMessages}) open
     where b.id = open.batch_id and b.state = any($6::smallint[]) and b.completed_at is null and open.stored = b.total
       and coalesce(open.unfinished, 0) = 0
     returning b.id, b.tenant_id, b.state, b.total, b.created_at`,
    [batchIds, unfinishedStatuses, unsettledStatuses, BatchState.COMPLETED, now, startedStates, BatchState.CANCELED],
  );
  return rows.map(toBatchStep);
}

/** Settled: completed, and nothing is on its way any more. */
async function settleBatches(client: PoolClient, batchIds: readonly string[], now: Date): Promise<BatchStep[]> {
  const { rows } = await client.query<BatchStepRow>(
    `update batch b set settled_at = $4, updated_at = $4
     from (${openMessages}) open
     where b.id = open.batch_id and b.completed_at is not null and b.settled_at is null
       and coalesce(open.unfinished, 0) = 0 and coalesce(open.unsettled, 0) = 0
     returning b.id, b.tenant_id, b.state, b.total, b.created_at`,
    [batchIds, unfinishedStatuses, unsettledStatuses, now],
  );
  return rows.map(toBatchStep);
}

interface BatchStepRow {
  id: string;
  tenant_id: string;
  state: BatchState;
  total: number;
  created_at: Date;
}

function toBatchStep(row: BatchStepRow): BatchStep {
  return { tenantId: row.tenant_id, batchId: row.id, state: row.state, total: row.total, createdAt: row.created_at };
}
