import { HubError, newBatchId as newId } from "@wahub/domain";
import { Account, Sender, sendingState } from "./entities/index.ts";
import type { Queryable } from "./queryable.ts";
import type { Store } from "./store.ts";
import { ensureDefaultTenant } from "./tenants.ts";

/** A WhatsApp number as the environment declares it. */
export interface SenderDeclaration {
  readonly accountSid: string;
  /** E.164. */
  readonly phone: string;
  readonly messagesPerSecond: number;
  readonly now: Date;
}

export interface SenderRoute {
  readonly senderId: string;
  readonly accountId: string;
}

export interface DeclaredSender extends SenderRoute {
  readonly tenantId: string;
}

/**
 * Makes the declared number a sender of the default tenant, with its account. The declared speed wins over the stored
 * one, and the number declared last is the default; a paused account or sender stays paused. Safe from many processes at once.
 *
 * @throws HubError conflict where the account belongs to another tenant
 */
export async function declareSender(store: Store, declared: SenderDeclaration): Promise<DeclaredSender> {
  const em = store.em();
  const tenantId = await ensureDefaultTenant(em, declared.now);
  await em
    .createQueryBuilder(Account)
    .insert({
      id: newId(declared.now),
      tenantId,
      sid: declared.accountSid,
      credentialsRef: "env",
      createdAt: declared.now,
    })
    .onConflict("sid")
    .ignore()
    .execute();
  const account = await em.findOneOrFail(Account, { sid: declared.accountSid });
  if (account.tenantId !== tenantId) {
    throw new HubError("conflict", "the Twilio account belongs to another tenant");
  }
  await em
    .createQueryBuilder(Sender)
    .insert({
      id: newId(declared.now),
      tenantId,
      accountId: account.id,
      phone: declared.phone,
      messagesPerSecond: declared.messagesPerSecond,
      createdAt: declared.now,
      declaredAt: declared.now,
    })
    .onConflict(["accountId", "phone"])
    .merge(["messagesPerSecond", "declaredAt"])
    .execute();
  const sender = await em.findOneOrFail(Sender, { accountId: account.id, phone: declared.phone });
  return { tenantId, accountId: account.id, senderId: sender.id };
}

/**
 * The sender of a batch that names none: of the tenant's that may send the one that the environment declared last, else the
 * oldest. Where none may at the moment, as if all did: the batch is accepted all the same and waits.
 */
export async function defaultSender(pool: Queryable, tenantId: string): Promise<SenderRoute | undefined> {
  const { rows } = await pool.query<{ id: string; account_id: string }>(
    `select s.id, s.account_id
       from sender s join account a on a.id = s.account_id
      where s.tenant_id = $1
      order by s.state = $2 and a.state = $2 desc, s.declared_at desc nulls last, s.created_at, s.id
      limit 1`,
    [tenantId, sendingState.active],
  );
  const [row] = rows;
  return row && { senderId: row.id, accountId: row.account_id };
}

export interface StoredAccount {
  readonly accountId: string;
  readonly tenantId: string;
  readonly credentialsRef: string;
}

/** The account a callback names, of whatever tenant: a callback comes in before anybody knows whose it is. */
export async function accountBySid(pool: Queryable, sid: string): Promise<StoredAccount | undefined> {
  const { rows } = await pool.query<{ id: string; tenant_id: string; credentials_ref: string }>(
    "select id, tenant_id, credentials_ref from account where sid = $1",
    [sid],
  );
  const [row] = rows;
  return row && { accountId: row.id, tenantId: row.tenant_id, credentialsRef: row.credentials_ref };
}
