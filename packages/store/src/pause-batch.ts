import { messageIdRange } from "@wahub/domain";
import { BatchState, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { changeBatch, type BatchChange, type LockedBatch } from "./change-batch.ts";

/** Why a batch is paused. */
export interface PauseReason {
  /** Twilio's error code; 0 where a person wants it. */
  readonly code: number;
  /** For people. */
  readonly reason: string;
}

/**
 * Pauses a running batch: from the commit on none of its messages is claimed or planned. What was queued goes back to
 * accepted, no try spent, so that it does not fill the place of the sender's other batches meanwhile. A batch that is
 * paused already keeps its first reason.
 *
 * @returns undefined where the tenant has no such batch
 */
export async function pauseBatch(
  pool: Pool,
  tenantId: string,
  batchId: string,
  options: PauseReason & { readonly now: Date; readonly signal?: AbortSignal | undefined },
): Promise<BatchChange | undefined> {
  const pause = async (client: PoolClient, batch: LockedBatch): Promise<void> => {
    await client.query(
      `update batch set state = $3, pause_code = $4, pause_reason = $5, paused_at = $6, updated_at = $6
       where tenant_id = $1 and id = $2`,
      [tenantId, batchId, BatchState.PAUSED, options.code, options.reason, options.now],
    );
    await takeBack(client, batch, options.now);
  };
  return changeBatch(pool, tenantId, batchId, [BatchState.RUNNING], pause, options);
}

/**
 * The planner queues under the batch's row lock, so nothing is queued behind this one's back. What a sender has claimed
 * at the same moment stays with it. There is about a second's worth per sender.
 */
async function takeBack(client: PoolClient, batch: LockedBatch, now: Date): Promise<void> {
  const { first, last } = messageIdRange(batch.id);
  await client.query(
    `with queued as materialized (
       select id from message
       where sender_id = $1 and status = $5 and batch_id = $2 and id between $3 and $4
       order by id
       for no key update
     ), back as (
       update message set status = $6, updated_at = $7
       where id = any (array(select id from queued)) and id between $3 and $4
       returning tenant_id, batch_id
     )
     insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
     select tenant_id, batch_id, v.status, 0, v.sign * count(*)::int
     from back cross join (values ($5::smallint, -1), ($6::smallint, 1)) as v(status, sign)
     group by tenant_id, batch_id, v.status, v.sign`,
    [batch.senderId, batch.id, first, last, MessageStatus.QUEUED, MessageStatus.ACCEPTED, now],
  );
}
