import { BatchState } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { changeBatch, type BatchChange } from "./change-batch.ts";

/**
 * Calls a running or paused batch off for good: from the commit on none of its messages is claimed or planned.
 * `cancelWaiting` moves what waits to CANCELED; what is on its way finishes by itself.
 *
 * @returns undefined where the tenant has no such batch
 */
export async function cancelBatch(
  pool: Pool,
  tenantId: string,
  batchId: string,
  options: { readonly now: Date; readonly signal?: AbortSignal | undefined },
): Promise<BatchChange | undefined> {
  const cancel = async (client: PoolClient): Promise<void> => {
    await client.query(
      `update batch set state = $3, canceled_at = $4, updated_at = $4 where tenant_id = $1 and id = $2`,
      [tenantId, batchId, BatchState.CANCELED, options.now],
    );
  };
  return changeBatch(pool, tenantId, batchId, [BatchState.RUNNING, BatchState.PAUSED], cancel, options);
}
