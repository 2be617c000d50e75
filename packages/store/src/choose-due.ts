import { BatchState, MessageStatus } from "@wahub/proto";
import type { PoolClient } from "pg";
import type { LockedSender } from "./lock-sender.ts";

/** Most batches of one sender that share a round; the others' turn comes as these advance. */
const maxBatchesPerRound = 32;

/** A message that is chosen to be queued. */
export interface DueMessage {
  id: string;
  batch_id: string;
  /** The batch's virtual time once this message has gone. */
  finish: number;
}

/**
 * The sender's next due messages, in the order of their turns, from batches that run.
 *
 * Start-time fair queueing. A batch's virtual time counts the messages it has had; the sender's is where the planner is.
 * A batch that is new, or had nothing due for a while, begins at the sender's: it neither waits behind the others' past
 * nor catches up on its own. The earliest virtual finish goes first. The id range keeps the look-up of a batch to its own
 * partition.
 */
export async function chooseDue(
  client: PoolClient,
  sender: LockedSender,
  now: Date,
  room: number,
): Promise<DueMessage[]> {
  const { rows } = await client.query<DueMessage>(
    `select due.id, b.id as batch_id, due.finish
     from (select id, greatest(virtual_time, $7) as start, first_id, last_id
           from batch
           cross join lateral (
             select (left(id::text, 13) || '-0000-0000-000000000000')::uuid as first_id,
                    (left(id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid as last_id) range
           where sender_id = $1 and state = $2 and (expires_at is null or expires_at > $5)
             and exists (select from message m
                         where m.batch_id = batch.id and m.status = $4 and m.next_at <= $5
                           and m.id between first_id and last_id)
           order by start, id limit $3) b
     cross join lateral (
       select m.id, b.start + row_number() over (order by m.next_at, m.id) as finish
       from message m
       where m.batch_id = b.id and m.status = $4 and m.next_at <= $5 and m.id between b.first_id and b.last_id
       order by m.next_at, m.id limit $6) due
     order by due.finish, due.id limit $6`,
    [sender.id, BatchState.RUNNING, maxBatchesPerRound, MessageStatus.ACCEPTED, now, room, sender.virtualTime],
  );
  return rows;
}
