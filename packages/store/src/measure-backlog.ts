import { BatchState, MessageStatus } from "@wahub/proto";
import type { Queryable } from "./queryable.ts";

/** Messages of running batches that still have to be handed to Twilio, over all tenants. */
export interface Backlog {
  /** Wait for their turn in PostgreSQL. */
  readonly accepted: number;
  /** Offered to the senders: about a second of each number's work, more when there are too few sender processes. */
  readonly queued: number;
  /** In a sender's hands. */
  readonly sending: number;
}

/** Reads the folded counts, so it is as old as the last fold and costs a few rows per running batch. */
export async function measureBacklog(pool: Queryable): Promise<Backlog> {
  const { rows } = await pool.query<{ status: number; n: number }>(
    `select c.status, sum(c.n)::float8 as n
     from batch b join batch_count c on c.batch_id = b.id
     where b.state = $1 and c.status = any($2::smallint[])
     group by c.status`,
    [BatchState.RUNNING, [MessageStatus.ACCEPTED, MessageStatus.QUEUED, MessageStatus.SENDING]],
  );
  const count = (status: MessageStatus): number => rows.find((row) => row.status === status)?.n ?? 0;
  return {
    accepted: count(MessageStatus.ACCEPTED),
    queued: count(MessageStatus.QUEUED),
    sending: count(MessageStatus.SENDING),
  };
}
