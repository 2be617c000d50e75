import { BatchState, MessageStatus } from "@wahub/proto";
import type { PoolClient } from "pg";
import { chooseDue } from "./choose-due.ts";
import { deferMessages } from "./defer-messages.ts";
import { sendingState } from "./entities/index.ts";
import { leaveOf, type LockedSender } from "./lock-sender.ts";
import { plannedColumns, toPlanned, type PlannedMessage, type PlannedRow } from "./planned-message.ts";
import { queueMessages } from "./queue-messages.ts";
import type { SendingScope } from "./sending-scope.ts";
import { sendingColumns, toSending, type SendingRow, type StoredSending } from "./stored-sending.ts";

export const defaultProbeLostAfterMs = 30_000;

/**
 * Hands out the one message that tries for a paused sender, for its account, or for both. From then on the gate of the
 * claim lets through this message and no other. Several senders of one account do not try at once: its row is locked,
 * and the first of them tries for it.
 *
 * @returns one message; none where nothing is due, or where the last one that tried is still on its way
 */
export async function planProbe(
  client: PoolClient,
  sender: LockedSender,
  { now, probeLostAfterMs = defaultProbeLostAfterMs }: { readonly now: Date; readonly probeLostAfterMs?: number },
): Promise<PlannedMessage[]> {
  const trying: { scope: SendingScope; id: string; sending: StoredSending }[] = [];
  if (leaveOf(sender.sender, now) === "try") trying.push({ scope: "sender", id: sender.id, sending: sender.sender });
  if (leaveOf(sender.account, now) === "try") {
    const account = await lockAccount(client, sender.accountId);
    if (!account || leaveOf(account, now) !== "try") return [];
    trying.push({ scope: "account", id: sender.accountId, sending: account });
  }
  const lost = trying.flatMap(({ sending }) => sending.probeMessageId ?? []);
  if (!(await callBack(client, lost, now))) return [];

  const message = (await offerQueued(client, sender, now)) ?? (await queueOne(client, sender, now));
  if (!message) return [];
  for (const { scope, id } of trying) {
    await client.query(
      `update ${scope} set state = ${sendingState.probing}, probe_message_id = $2, probe_at = $3 where id = $1`,
      [id, message.messageId, new Date(now.getTime() + probeLostAfterMs)],
    );
  }
  return [message];
}

/** The account under a row lock; undefined where another replica tries for it at this moment. */
async function lockAccount(client: PoolClient, accountId: string): Promise<StoredSending | undefined> {
  const { rows } = await client.query<SendingRow<"a">>(
    `select ${sendingColumns("a")} from account a where a.id = $1 for no key update skip locked`,
    [accountId],
  );
  return rows[0] && toSending(rows[0], "a");
}

/**
 * Puts messages that tried and seem lost back to accepted, so that no claim for them is granted any more.
 *
 * @returns false where one of them is claimed: what becomes of it is waited for, for a lease at the longest
 */
async function callBack(client: PoolClient, messageIds: readonly string[], now: Date): Promise<boolean> {
  if (messageIds.length === 0) return true;
  const { rows } = await client.query<{ tenant_id: string; id: string; attempt: number; status: number }>(
    "select tenant_id, id, attempt, status from message where id = any($1::uuid[])",
    [messageIds],
  );
  const waiting = rows.filter(({ status }) => status === MessageStatus.QUEUED);
  const deferrals = waiting.map((row) => ({
    tenantId: row.tenant_id,
    messageId: row.id,
    attempt: row.attempt + 1,
    nextAt: now,
  }));
  const back = waiting.length === 0 ? [] : await deferMessages(client, deferrals, now);
  return rows.every(({ status }) => status !== MessageStatus.SENDING) && back.every(Boolean);
}

/** The sender's message that has been queued longest, offered again: claims for it have been refused. */
async function offerQueued(client: PoolClient, sender: LockedSender, now: Date): Promise<PlannedMessage | undefined> {
  const { rows } = await client.query<PlannedRow>(
    `with oldest as materialized (
       select m.id from message m join batch b on b.id = m.batch_id
       where m.sender_id = $1 and m.status = ${MessageStatus.QUEUED}
         and b.state = ${BatchState.RUNNING} and (b.expires_at is null or b.expires_at > $2)
       order by m.updated_at, m.id limit 1
       for no key update of m skip locked
     )
     update message m set updated_at = $2 from oldest where m.id = oldest.id
     returning ${plannedColumns}`,
    [sender.id, now],
  );
  return rows[0] && toPlanned(rows[0], sender);
}

async function queueOne(client: PoolClient, sender: LockedSender, now: Date): Promise<PlannedMessage | undefined> {
  const [message] = await queueMessages(client, sender, await chooseDue(client, sender, now, 1), now);
  return message;
}
