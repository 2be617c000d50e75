import { EventSource, MessageStatus, type ContentJson, type UnknownPolicy } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { withTransaction } from "./transaction.ts";

/** Why an attempt is open: no message of Twilio's is bound to it. */
export type OpenKind =
  /** On its way. */
  | "sending"
  /** To be found out. */
  | "unknown"
  /** Unknown, and a person decides. */
  | "held"
  /** Counts as submitted without anybody knowing. */
  | "assumed"
  /** Closed without anybody knowing; the message went out again. */
  | "given_up";

/** An attempt to send to somebody that is bound to no message of Twilio's. */
export interface StoredOpenAttempt {
  readonly kind: OpenKind;
  readonly messageId: string;
  readonly attempt: number;
  /** How often Twilio's list has not had it. */
  readonly absences: number;
  /** Since when Twilio was asked and gave no list; undefined where it was not asked yet, or gave one last. */
  readonly unlistedSince: Date | undefined;
  readonly claimedAt: Date;
  readonly leaseUntil: Date;
  /** By the database's clock, which also set the lease. */
  readonly sinceLeaseMs: number;
  /** E.164. */
  readonly recipient: string;
  readonly content: ContentJson;
  readonly unknownPolicy: UnknownPolicy;
  /** Seconds after which Twilio gives it up; undefined for Twilio's own time. */
  readonly validityS: number | undefined;
}

/** What the hub knows about one recipient of one sender, at one moment. */
export interface OpenAttempts {
  readonly attempts: readonly StoredOpenAttempt[];
  /** Those of the SIDs asked for that belong to an attempt, or are known as its duplicates. */
  readonly bound: ReadonlySet<string>;
}

/**
 * All open attempts of a sender to a recipient, and which of the SIDs are bound, in one snapshot. Ask after Twilio's list has
 * been read: then whatever is in the list has been claimed, and shows here as open or as bound.
 */
export async function readOpenAttempts(
  pool: Pool,
  recipient: { readonly senderId: string; readonly recipientKey: string },
  sids: readonly string[],
): Promise<OpenAttempts> {
  return withTransaction(pool, async (client) => {
    await client.query("set transaction isolation level repeatable read, read only");
    return { attempts: await openAttempts(client, recipient), bound: await boundSids(client, sids) };
  });
}

/** Those of the SIDs that belong to an attempt, or are known as its duplicates. */
export async function boundSids(client: PoolClient, sids: readonly string[]): Promise<Set<string>> {
  if (sids.length === 0) return new Set();
  const { rows } = await client.query<{ twilio_sid: string }>(
    `select twilio_sid from message where twilio_sid = any($1::text[])
     union all
     select twilio_sid from message_attempt where twilio_sid = any($1::text[])
     union all
     select twilio_sid from duplicate_sid where twilio_sid = any($1::text[])`,
    [sids],
  );
  return new Set(rows.map((row) => row.twilio_sid));
}

interface OpenRow {
  kind: OpenKind;
  id: string;
  attempt: number;
  absences: number;
  unlisted_since: Date | null;
  claimed_at: Date;
  lease_until: Date;
  since_lease_ms: number;
  recipient: string;
  content: ContentJson;
  unknown_policy: UnknownPolicy;
  validity_s: number | null;
}

const { SENDING, UNKNOWN, SUBMITTED } = MessageStatus;

// One branch per partial index.
const openStatement = `
  with open as (
    select case when reconcile_at is null then 'held' else 'unknown' end as kind, id, batch_id, attempt, absences,
           unlisted_since, claimed_at, lease_until, recipient
    from message where status = ${UNKNOWN} and sender_id = $1 and recipient_key = $2 and twilio_sid is null
    union all
    select 'sending', id, batch_id, attempt, 0, null, claimed_at, lease_until, recipient
    from message where status = ${SENDING} and sender_id = $1 and recipient_key = $2 and twilio_sid is null
    union all
    select 'assumed', id, batch_id, attempt, 0, null, claimed_at, lease_until, recipient
    from message
    where evidence = ${EventSource.ASSUMED} and sender_id = $1 and recipient_key = $2 and status = ${SUBMITTED}
      and twilio_sid is null
    union all
    select 'given_up', m.id, m.batch_id, c.attempt, 0, null, c.claimed_at, c.lease_until, m.recipient
    from message_attempt c join message m on m.id = c.message_id
    where c.sender_id = $1 and c.recipient_key = $2 and c.twilio_sid is null
  )
  select open.*, extract(epoch from clock_timestamp() - open.lease_until)::float8 * 1000 as since_lease_ms,
         b.content, b.unknown_policy, b.validity_s
  from open join batch b on b.id = open.batch_id
  where open.claimed_at is not null and open.lease_until is not null
  order by open.claimed_at, open.id, open.attempt`;

async function openAttempts(
  client: PoolClient,
  { senderId, recipientKey }: { readonly senderId: string; readonly recipientKey: string },
): Promise<StoredOpenAttempt[]> {
  const { rows } = await client.query<OpenRow>(openStatement, [senderId, recipientKey]);
  return rows.map((row) => ({
    kind: row.kind,
    messageId: row.id,
    attempt: row.attempt,
    absences: row.absences,
    unlistedSince: row.unlisted_since ?? undefined,
    claimedAt: row.claimed_at,
    leaseUntil: row.lease_until,
    sinceLeaseMs: row.since_lease_ms,
    recipient: row.recipient,
    content: row.content,
    unknownPolicy: row.unknown_policy,
    validityS: row.validity_s ?? undefined,
  }));
}
