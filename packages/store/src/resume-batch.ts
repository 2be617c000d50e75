import { BatchState } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { changeBatch, type BatchChange } from "./change-batch.ts";

/**
 * Lets a paused batch run again. Its messages wait in accepted, so the planner's next round takes them up.
 *
 * @returns undefined where the tenant has no such batch
 */
export async function resumeBatch(
  pool: Pool,
  tenantId: string,
  batchId: string,
  options: { readonly now: Date; readonly signal?: AbortSignal | undefined },
): Promise<BatchChange | undefined> {
  const resume = async (client: PoolClient): Promise<void> => {
    await client.query(
      `update batch set state = $3, pause_code = 0, pause_reason = '', paused_at = null, updated_at = $4
       where tenant_id = $1 and id = $2`,
      [tenantId, batchId, BatchState.RUNNING, options.now],
    );
  };
  return changeBatch(pool, tenantId, batchId, [BatchState.PAUSED], resume, options);
}
