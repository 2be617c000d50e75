import type { BatchState } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { readBatch, type StoredBatch } from "./read-batch.ts";
import { withTransaction } from "./transaction.ts";

/** What became of the wish to change a batch's state. */
export interface BatchChange {
  /** False: it did not stand in a state from which it can be changed; see where it stands. */
  readonly changed: boolean;
  /** As it is now. */
  readonly batch: StoredBatch;
}

/** The batch under its row lock. */
export interface LockedBatch {
  readonly id: string;
  readonly tenantId: string;
  readonly senderId: string;
}

/**
 * Changes a batch under its row lock, if it stands in one of the states of `from`, and reads it. Lock order: the batch
 * before its messages, as the planner does.
 *
 * @param signal until the commit has begun nothing stays of the change when it is aborted
 * @returns undefined where the tenant has no such batch
 */
export async function changeBatch(
  pool: Pool,
  tenantId: string,
  batchId: string,
  from: readonly BatchState[],
  change: (client: PoolClient, batch: LockedBatch) => Promise<void>,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<BatchChange | undefined> {
  const work = async (client: PoolClient): Promise<BatchChange | undefined> => {
    const { rows } = await client.query<{ state: BatchState; sender_id: string }>(
      "select state, sender_id from batch where tenant_id = $1 and id = $2 for no key update",
      [tenantId, batchId],
    );
    const [row] = rows;
    if (!row) return undefined;
    const changed = from.includes(row.state);
    if (changed) await change(client, { id: batchId, tenantId, senderId: row.sender_id });
    const batch = await readBatch(client, tenantId, batchId);
    return batch && { changed, batch };
  };
  return withTransaction(pool, work, options.signal ? { signal: options.signal } : {});
}
