import { BatchState, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { chooseDue } from "./choose-due.ts";
import { lockSender } from "./lock-sender.ts";
import { planProbe } from "./plan-probe.ts";
import type { PlannedMessage } from "./planned-message.ts";
import { queueMessages } from "./queue-messages.ts";
import { withTransaction } from "./transaction.ts";

export interface PlanOptions {
  /** Decides what is due, and how fast the sender may go. */
  readonly now: Date;
  /** How much of the sender's time is handed out ahead. */
  readonly horizonMs: number;
  /** How long a sender that was slowed down takes to get its speed back. */
  readonly paceRecoveryMs?: number;
  /** A message that tries for a paused scope and is not heard of for this long is taken for lost. */
  readonly probeLostAfterMs?: number;
}

/**
 * Moves the sender's due messages from accepted to queued, as many as fill its inventory to `horizonMs` of what it may
 * send now, taking turns between its batches. Where the sender or its account is paused and it is time to try, exactly one
 * message is handed out for all that it has to try for. Safe in many replicas: whoever holds the sender's row plans, the
 * others get nothing.
 *
 * @returns the messages to hand out; when handing out fails they are offered again by `reofferQueued`
 */
export async function planSender(pool: Pool, senderId: string, options: PlanOptions): Promise<PlannedMessage[]> {
  return withTransaction(pool, async (client) => {
    const sender = await lockSender(client, senderId, options);
    if (sender?.leave === "try") return planProbe(client, sender, options);
    if (sender?.leave !== "all") return [];
    const wanted = Math.ceil((sender.messagesPerSecond * options.horizonMs) / 1000);
    const room = wanted - (await inventory(client, senderId, options.now));
    if (room <= 0) return [];
    const due = await chooseDue(client, sender, options.now, room);
    return queueMessages(client, sender, due, options.now);
  });
}

/** What the sender has queued that may go. Messages of paused batches wait in the queue without taking up its room. */
async function inventory(client: PoolClient, senderId: string, now: Date): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `select count(*)::int as n from message m join batch b on b.id = m.batch_id
     where m.sender_id = $1 and m.status = ${MessageStatus.QUEUED}
       and b.state = ${BatchState.RUNNING} and (b.expires_at is null or b.expires_at > $2)`,
    [senderId, now],
  );
  return rows[0]!.n;
}
