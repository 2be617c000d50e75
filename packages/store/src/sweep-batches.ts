import { messageIdRange } from "@wahub/domain";
import { BatchState } from "@wahub/proto";
import type { Pool } from "pg";
import { withTransaction } from "./transaction.ts";

/** What one round of sweeping did. */
export interface SweepResult {
  /** Batches that nobody came back for and that are discarded from now on. */
  readonly abandoned: number;
  /** Batches of which nothing is left. */
  readonly deleted: number;
  /** True when a batch still has rows: run again. */
  readonly more: boolean;
}

/** Most abandoned batches noticed per round. */
const batchesPerRound = 100;

/**
 * Discards batches that were left accepting with their last sign of life before `abandonedBefore`, and deletes the rows
 * of one discarded batch, `rowsPerRound` at a time. Serves all tenants; safe in many replicas.
 */
export async function sweepBatches(
  pool: Pool,
  options: { abandonedBefore: Date; rowsPerRound: number },
): Promise<SweepResult> {
  const { rowCount: abandoned } = await pool.query(
    `update batch set state = ${BatchState.DISCARDING}, idempotency_key = null, owner = null, owned_until = null
     where id in (select id from batch where state = ${BatchState.ACCEPTING} and owned_until < $1
                  order by owned_until limit ${batchesPerRound} for update skip locked)`,
    [options.abandonedBefore],
  );
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `select id from batch where state = ${BatchState.DISCARDING} order by id limit 1 for update skip locked`,
    );
    const id = rows[0]?.id;
    if (id === undefined) return { abandoned: abandoned ?? 0, deleted: 0, more: false };
    const { first, last } = messageIdRange(id);
    const { rowCount: messages } = await client.query(
      `delete from message where id = any (array(
         select id from message where id between $1 and $2 and batch_id = $3 limit $4))`,
      [first, last, id, options.rowsPerRound],
    );
    if (messages === options.rowsPerRound) return { abandoned: abandoned ?? 0, deleted: 0, more: true };
    await client.query("delete from batch_count_delta where batch_id = $1", [id]);
    await client.query("delete from batch_count where batch_id = $1", [id]);
    await client.query("delete from batch where id = $1", [id]);
    return { abandoned: abandoned ?? 0, deleted: 1, more: true };
  });
}
