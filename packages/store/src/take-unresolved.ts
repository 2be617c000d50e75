import { MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { repeatAfterDeadlock } from "./transaction.ts";

/** A message of which nobody knows whether Twilio took it, and whom to ask about. */
export interface UnresolvedMessage {
  readonly messageId: string;
  readonly attempt: number;
  readonly accountSid: string;
  readonly senderId: string;
  /** E.164. */
  readonly senderPhone: string;
  readonly recipientKey: string;
  /** Until when it belongs to the caller; which of those that took it, too. */
  readonly takenUntil: Date;
}

/**
 * Takes unknown messages that are due for a look at Twilio's list: each belongs to the caller for a while, and comes up again
 * if the caller dies. Serves all tenants; safe in many replicas. None is taken whose lease, by the database's clock, is over
 * for less than `settleMs`: its request may still be on its way, or on its way into the list.
 *
 * @param heldForMs how long they belong to the caller
 * @param limit most messages per call
 */
export async function takeUnresolved(
  pool: Pool,
  options: { now: Date; settleMs: number; heldForMs: number; limit: number },
): Promise<UnresolvedMessage[]> {
  const { now, settleMs, heldForMs, limit } = options;
  const { rows } = await repeatAfterDeadlock(() =>
    pool.query<UnresolvedMessage>(
      `with due as materialized (
         select id, attempt, account_id, sender_id, recipient_key from message
         where status = ${MessageStatus.UNKNOWN} and reconcile_at <= $1
           and lease_until <= clock_timestamp() - $2 * interval '1 millisecond'
         order by reconcile_at limit $3
         for no key update skip locked
       ), taken as (
         update message set reconcile_at = $1::timestamptz + $4 * interval '1 millisecond'
         where id = any (array(select id from due))
         returning id, reconcile_at
       )
       select due.id as "messageId", due.attempt, a.sid as "accountSid", due.sender_id as "senderId",
              s.phone as "senderPhone", due.recipient_key as "recipientKey",
              taken.reconcile_at as "takenUntil"
       from due join taken on taken.id = due.id join sender s on s.id = due.sender_id join account a on a.id = due.account_id`,
      [now, settleMs, limit, heldForMs],
    ),
  );
  return rows;
}
