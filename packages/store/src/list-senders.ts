import type { Queryable } from "./queryable.ts";
import { sendingColumns, toSending, type SendingRow, type StoredSending } from "./stored-sending.ts";

export interface StoredTwilioAccount extends StoredSending {
  readonly id: string;
  readonly sid: string;
}

export interface StoredSender extends StoredSending {
  readonly id: string;
  /** E.164. */
  readonly phone: string;
  readonly messagesPerSecond: number;
  readonly account: StoredTwilioAccount;
}

interface SenderRow extends SendingRow<"s">, SendingRow<"a"> {
  id: string;
  phone: string;
  messages_per_second: number;
  account_id: string;
  sid: string;
}

/** The senders of a tenant with their accounts, oldest first. Where ids are given, only those of them. */
export async function listSenders(
  db: Queryable,
  tenantId: string,
  only: { readonly senderId?: string; readonly accountId?: string } = {},
): Promise<StoredSender[]> {
  const { rows } = await db.query<SenderRow>(
    `select s.id, s.phone, s.messages_per_second, a.id as account_id, a.sid,
            ${sendingColumns("s")}, ${sendingColumns("a")}
     from sender s join account a on a.id = s.account_id
     where s.tenant_id = $1 and ($2::uuid is null or s.id = $2) and ($3::uuid is null or a.id = $3)
     order by s.created_at, s.id`,
    [tenantId, only.senderId, only.accountId],
  );
  return rows.map((row) => ({
    id: row.id,
    phone: row.phone,
    messagesPerSecond: row.messages_per_second,
    ...toSending(row, "s"),
    account: { id: row.account_id, sid: row.sid, ...toSending(row, "a") },
  }));
}
