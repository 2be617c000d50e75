import { BatchState } from "@wahub/proto";
import type { Queryable } from "./queryable.ts";

/** A batch, and how much there is to read of it. */
export interface BatchToAudit {
  readonly batchId: string;
  readonly total: number;
}

export interface FinishedBatch extends BatchToAudit {
  /** When it was completed or settled, whichever was last. */
  readonly finishedAt: Date;
}

/** Batches that were completed or settled after `since`, the earliest first. Serves all tenants. */
export async function finishedBatches(
  db: Queryable,
  options: { since: Date; maxTotal: number; limit: number },
): Promise<FinishedBatch[]> {
  const { rows } = await db.query<{ id: string; total: number; finished_at: Date }>(
    `select id, total, finished_at
     from (select id, total, completed_at as finished_at from batch where completed_at > $1 and settled_at is null
           union all
           select id, total, settled_at from batch where settled_at > $1) finished
     where total <= $2
     order by finished_at, id limit $3`,
    [options.since, options.maxTotal, options.limit],
  );
  return rows.map((row) => ({ batchId: row.id, total: row.total, finishedAt: row.finished_at }));
}

/** Running batches behind `after` in the order of their ids. Serves all tenants. */
export async function runningBatches(
  db: Queryable,
  options: { after: string | undefined; maxTotal: number; limit: number },
): Promise<BatchToAudit[]> {
  const { rows } = await db.query<{ id: string; total: number }>(
    `select id, total from batch
     where state = ${BatchState.RUNNING} and ($1::uuid is null or id > $1) and total <= $2
     order by id limit $3`,
    [options.after ?? null, options.maxTotal, options.limit],
  );
  return rows.map((row) => ({ batchId: row.id, total: row.total }));
}
