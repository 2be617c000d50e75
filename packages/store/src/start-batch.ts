import { BatchState } from "@wahub/proto";
import type { PoolClient } from "pg";
import { ownedByAnother, type OwnedBatch } from "./append-messages.ts";

/**
 * Ends the intake: the batch runs, and its intake hash is its content hash from now on.
 *
 * @throws HubError `unavailable` when the batch has another owner by now
 */
export async function startBatch(client: PoolClient, tenantId: string, batch: OwnedBatch, now: Date): Promise<void> {
  const { rowCount } = await client.query(
    `update batch
     set state = ${BatchState.RUNNING}, owner = null, owned_until = null, updated_at = $4
     where tenant_id = $1 and id = $2 and owner = $3 and state = ${BatchState.ACCEPTING}`,
    [tenantId, batch.id, batch.owner, now],
  );
  if (rowCount !== 1) throw ownedByAnother();
}
