import { BatchState } from "@wahub/proto";
import type { Pool } from "pg";

/** A batch in the hands of one call. */
export interface BatchOwnership {
  readonly batchId: string;
  readonly owner: string;
}

/** A sign of life of the owner between two chunks. False when the batch is no longer the owner's. */
export async function keepBatch(
  pool: Pool,
  tenantId: string,
  held: BatchOwnership,
  ownedForMs: number,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update batch set owned_until = clock_timestamp() + $4 * interval '1 millisecond'
     where tenant_id = $1 and id = $2 and owner = $3 and state = ${BatchState.ACCEPTING}`,
    [tenantId, held.batchId, held.owner, ownedForMs],
  );
  return rowCount === 1;
}

/** The owner gives up, for example because its caller is gone: the next call with the key goes on at once. */
export async function releaseBatch(pool: Pool, tenantId: string, held: BatchOwnership): Promise<void> {
  await pool.query(
    // Another owner, who is nobody, so that a write of this one that is still under way cannot extend its time.
    `update batch set owned_until = clock_timestamp(), owner = gen_random_uuid() where tenant_id = $1 and id = $2 and owner = $3
     and state = ${BatchState.ACCEPTING}`,
    [tenantId, held.batchId, held.owner],
  );
}

/**
 * The batch is refused as a whole: its key is free again at once, and `sweepBatches` deletes what is stored of it.
 */
export async function discardBatch(pool: Pool, tenantId: string, held: BatchOwnership): Promise<void> {
  await pool.query(
    `update batch set state = ${BatchState.DISCARDING}, idempotency_key = null, owner = null, owned_until = null
     where tenant_id = $1 and id = $2 and owner = $3 and state = ${BatchState.ACCEPTING}`,
    [tenantId, held.batchId, held.owner],
  );
}
