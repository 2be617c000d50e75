import { BatchState, EventSource, MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { sendingState } from "./entities/index.ts";
import type { SendingScope } from "./sending-scope.ts";
import { repeatAfterDeadlock } from "./transaction.ts";

/** A sender's wish to make one attempt. */
export interface ClaimRequest {
  readonly tenantId: string;
  readonly messageId: string;
  /** The attempt the job allows. */
  readonly attempt: number;
  /** Random UUID: proves later that an outcome comes from the holder of this claim. */
  readonly token: string;
}

/** The right to make one attempt, until the lease ends, and what is needed for it. */
export interface Claim {
  readonly messageId: string;
  readonly tenantId: string;
  readonly batchId: string;
  readonly senderId: string;
  readonly accountId: string;
  readonly attempt: number;
  readonly token: string;
  /** What is paused and lets only this message through: whether it may go on depends on what becomes of this attempt. */
  readonly triesFor: readonly SendingScope[];
  readonly accountSid: string;
  readonly senderPhone: string;
  readonly recipient: string;
  /** Proto JSON of whatsapphub.v1.Content. */
  readonly content: unknown;
  /** Seconds after which Twilio is to give the message up; undefined for Twilio's own time. */
  readonly validityS: number | undefined;
  /** Tries that ended in a passing failure before this attempt. */
  readonly triesSpent: number;
}

/**
 * Claims many messages in one statement, which is the whole gate: the message is queued and due, nobody has made this
 * attempt, its batch runs and has not expired, its sender and account do not rest and are active, or let just this
 * message try. What passes moves to sending with a new attempt, the token and a lease by the database's clock; what does
 * not is refused and stays as it is. Messages refused for a pause stay queued; the planner offers them again afterwards.
 *
 * @param now decides what is due
 * @param leaseMs how long the holder may take; afterwards the attempt counts as unknown
 * @returns one entry per request, in order; undefined for a refused one
 */
export async function claimMessages(
  pool: Pool,
  requests: readonly ClaimRequest[],
  options: { now: Date; leaseMs: number },
): Promise<(Claim | undefined)[]> {
  const { rows } = await repeatAfterDeadlock(() =>
    pool.query<ClaimRow>({
      name: "claim-messages",
      text: claimStatement,
      values: [
        requests.map((r) => r.tenantId),
        requests.map((r) => r.messageId),
        requests.map((r) => r.attempt),
        requests.map((r) => r.token),
        options.now,
        options.leaseMs,
      ],
    }),
  );
  const byToken = new Map(rows.map((row) => [row.token, row]));
  return requests.map((request) => {
    const row = byToken.get(request.token);
    return row && toClaim(row);
  });
}

/** Dispatch's clock has said that a queued message is due; the sender's may be this far behind it. */
const clockSkewMs = 5_000;

/** The same for the end of a rest. Shorter, as a rest may last no more than a second or two. */
const restSkewMs = 500;

/** The account or sender under this alias lets message m through. */
function letsThrough(alias: "a" | "s"): string {
  return `(${alias}.state = ${sendingState.active} or (${alias}.state = ${sendingState.probing} and ${alias}.probe_message_id = m.id))
      and (${alias}.hold_until is null or ${alias}.hold_until <= $5::timestamptz + interval '${restSkewMs} milliseconds')`;
}

// Rows are locked in id order, like everywhere else. Two requests for one message in one statement: the update takes
// one token, and the join on the token refuses the other. The array of ids makes the gate an index look-up per id; the update
// joins what is locked already, a row at a time.
const claimStatement = `
  with request as (
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[]) as r(tenant_id, id, attempt, token)
  ), gate as materialized (
    select m.id, m.tenant_id, m.batch_id, m.recipient, m.tries, r.attempt, r.token,
           b.content, b.validity_s, s.id as sender_id, s.phone, a.id as account_id, a.sid as account_sid,
           s.state = ${sendingState.probing} as tries_sender, a.state = ${sendingState.probing} as tries_account
    from message m
    join request r on r.id = m.id and r.tenant_id = m.tenant_id
    join batch b on b.id = m.batch_id
    join sender s on s.id = m.sender_id
    join account a on a.id = s.account_id
    where m.id = any($2::uuid[])
      and m.status = ${MessageStatus.QUEUED} and m.attempt = r.attempt - 1 and m.next_at <= $5::timestamptz + interval '${clockSkewMs} milliseconds'
      and b.state = ${BatchState.RUNNING} and (b.expires_at is null or b.expires_at > $5)
      and ${letsThrough("s")}
      and ${letsThrough("a")}
    order by m.id
    for no key update of m
  ), claimed as (
    update message m
    set status = ${MessageStatus.SENDING}, attempt = gate.attempt, claim_token = gate.token, claimed_at = $5,
        lease_until = clock_timestamp() + $6 * interval '1 millisecond', account_id = gate.account_id, updated_at = $5
    from gate
    where m.id = gate.id
    returning m.id, m.claim_token as token
  ), granted as (
    select gate.* from gate join claimed using (id, token)
  ), recorded as (
    insert into message_event (message_id, tenant_id, attempt, status, source, at)
    select id, tenant_id, attempt, ${MessageStatus.SENDING}, ${EventSource.HUB}, $5 from granted
    on conflict do nothing
  ), counted as (
    insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
    select tenant_id, batch_id, v.status, 0, v.sign * count(*)::int
    from granted
    cross join (values (${MessageStatus.QUEUED}::smallint, -1), (${MessageStatus.SENDING}::smallint, 1)) as v(status, sign)
    group by tenant_id, batch_id, v.status, v.sign
  )
  select id, tenant_id, batch_id, sender_id, account_id, attempt, token, tries, recipient, content, validity_s, phone, account_sid,
         tries_sender, tries_account
  from granted`;

/** What `toClaim` needs. */
export interface ClaimRow {
  id: string;
  tenant_id: string;
  batch_id: string;
  sender_id: string;
  account_id: string;
  attempt: number;
  token: string;
  tries: number;
  recipient: string;
  content: unknown;
  validity_s: number | null;
  phone: string;
  account_sid: string;
  tries_sender: boolean;
  tries_account: boolean;
}

export function toClaim(row: ClaimRow): Claim {
  return {
    messageId: row.id,
    tenantId: row.tenant_id,
    batchId: row.batch_id,
    senderId: row.sender_id,
    accountId: row.account_id,
    attempt: row.attempt,
    token: row.token,
    triesFor: [...(row.tries_sender ? ["sender" as const] : []), ...(row.tries_account ? ["account" as const] : [])],
    accountSid: row.account_sid,
    senderPhone: row.phone,
    recipient: row.recipient,
    content: row.content,
    validityS: row.validity_s ?? undefined,
    triesSpent: row.tries,
  };
}
