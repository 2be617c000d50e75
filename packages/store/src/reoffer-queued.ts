import { BatchState, MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { lockSender, type LockedSender } from "./lock-sender.ts";
import { plannedColumns, toPlanned, type PlannedMessage, type PlannedRow } from "./planned-message.ts";
import { withTransaction } from "./transaction.ts";

export interface ReofferOptions {
  readonly now: Date;
  /** What was queued before and is not claimed: its job may be lost. */
  readonly queuedBefore: Date;
  readonly limit: number;
  readonly paceRecoveryMs?: number;
}

/**
 * Messages of the sender that are queued and seem to have no job: queued too long ago, or before the sender, its account
 * or their batch came back from a pause or a rest, when claims were refused. They are offered again and marked, so the
 * next rounds leave them alone. Of a sender that only one message may try for, at most that one.
 */
export async function reofferQueued(pool: Pool, senderId: string, options: ReofferOptions): Promise<PlannedMessage[]> {
  return withTransaction(pool, async (client) => {
    const sender = await lockSender(client, senderId, options);
    if (!sender || (sender.leave !== "all" && sender.leave !== "one")) return [];
    const { rows } = await client.query<PlannedRow>(
      `with stale as materialized (
         select m.id, greatest($5, m.updated_at, b.updated_at) as marked
         from message m join batch b on b.id = m.batch_id
         where m.sender_id = $1 and m.status = ${MessageStatus.QUEUED}
           and m.updated_at < greatest($2::timestamptz, b.updated_at)
           and b.state = ${BatchState.RUNNING} and (b.expires_at is null or b.expires_at > $5)
           and ($3::uuid[] is null or m.id = all($3))
         order by m.id limit $4
         for no key update of m skip locked
       )
       update message m set updated_at = stale.marked from stale where m.id = stale.id
       returning ${plannedColumns}`,
      [senderId, cameBack(sender, options), tryingMessages(sender), options.limit, options.now],
    );
    return rows.map((row) => toPlanned(row, sender));
  });
}

/** What was queued before this time is offered again. */
function cameBack({ sender, account }: LockedSender, { queuedBefore, now }: ReofferOptions): Date {
  const times = [sender, account].flatMap(({ resumedAt, holdUntil }) => [resumedAt, holdUntil]);
  const back = Math.max(0, ...times.map((at) => at?.getTime() ?? 0));
  return new Date(Math.max(queuedBefore.getTime(), Math.min(back, now.getTime())));
}

/** The messages that sender and account let try, where they let only one through; no other may go. */
function tryingMessages({ leave, sender, account }: LockedSender): string[] | undefined {
  if (leave === "all") return undefined;
  return [sender.probeMessageId, account.probeMessageId].filter((id) => id !== undefined);
}
