import { EventSource, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { withTransaction } from "./transaction.ts";

/** What Twilio has said about one attempt, with the SID that proves it. */
export interface Statement {
  readonly messageId: string;
  readonly attempt: number;
  readonly sid: string;
  readonly status: MessageStatus;
  /** 0 for none. */
  readonly errorCode: number;
  readonly errorMessage: string;
  readonly source: EventSource;
  readonly at: Date;
  readonly detail: Readonly<Record<string, unknown>> | undefined;
  /** Whose attempt it has to be: of the account that signed, or of the tenant whose sender had the answer. */
  readonly of: { readonly accountSid: string } | { readonly tenantId: string };
}

/**
 * What a statement turned out to be.
 *
 * - `applied`: news, and kept
 * - `duplicate`: news, kept, and the proof that Twilio took the message once more: a SID beyond the message's first
 * - `repeated`: known already
 */
export type StatementFate = "applied" | "duplicate" | "repeated";

/**
 * Weighs what a look at the message's row alone cannot place: statements about a closed attempt, about a message that
 * waits or was called off, with another SID than the bound one. The rows are locked first; then everything that Twilio
 * has said about the message is weighed together, so the order of arrival does not matter:
 *
 * - the status is the highest that any attempt has reached, and nothing of the message waits any more
 * - a closed attempt gets its SID; the message has that of its latest attempt with one
 * - of several SIDs of one attempt the smallest is bound, the others are kept in duplicate_sid
 * - Twilio's list names no attempt: which of equal messages is whose was concluded, and yields to who names it
 *
 * @returns one fate per statement, in order; undefined where there is no such attempt of that account or tenant
 */
export async function weighLateEvidence(
  pool: Pool,
  statements: readonly Statement[],
): Promise<(StatementFate | undefined)[]> {
  return withTransaction(pool, async (client) => {
    await lockMessages(
      client,
      statements.map((s) => s.messageId),
    );
    const isPlaced = await place(client, statements);
    const placed = statements.filter((_, i) => isPlaced[i]);
    if (placed.length === 0) return isPlaced.map(() => undefined);
    const fates = await fatesOf(client, placed);
    await keepEvents(client, placed);
    await weigh(client, placed);
    return isPlaced.map((yes) => (yes ? fates.shift() : undefined));
  });
}

/** Whoever changes a message, its attempts or its events holds its row: what is read after this does not change. */
async function lockMessages(client: PoolClient, messageIds: readonly string[]): Promise<void> {
  await client.query("select from message where id = any($1::uuid[]) order by id for no key update", [messageIds]);
}

/** For each statement whether it is about an attempt that was made, by the account or tenant that says so. */
async function place(client: PoolClient, statements: readonly Statement[]): Promise<boolean[]> {
  const { rows } = await client.query<{ position: number }>(
    `select s.position::int as position
     from unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[]) with ordinality
       as s(message_id, attempt, account_sid, tenant_id, position)
     join message m on m.id = s.message_id
     left join message_attempt c on c.message_id = s.message_id and c.attempt = s.attempt
     left join account a on a.id = coalesce(c.account_id, m.account_id)
     where s.attempt between 1 and m.attempt and m.id = any($1::uuid[])
       and (m.tenant_id = s.tenant_id or (a.sid = s.account_sid and a.tenant_id = m.tenant_id))`,
    [
      statements.map((s) => s.messageId),
      statements.map((s) => s.attempt),
      statements.map((s) => ("accountSid" in s.of ? s.of.accountSid : null)),
      statements.map((s) => ("tenantId" in s.of ? s.of.tenantId : null)),
    ],
  );
  const positions = new Set(rows.map((row) => row.position));
  return statements.map((_, i) => positions.has(i + 1));
}

async function fatesOf(client: PoolClient, statements: readonly Statement[]): Promise<StatementFate[]> {
  const { rows } = await client.query<{
    message_id: string;
    attempt: number;
    status: number;
    sid: string;
    code: number;
    source: EventSource;
  }>(
    `select message_id, attempt, status, twilio_sid as sid, error_code as code, source
     from message_event where message_id = any($1::uuid[]) and twilio_sid <> ''`,
    [statements.map((s) => s.messageId)],
  );
  const facts = new Set(rows.map((row) => [row.message_id, row.attempt, row.status, row.sid, row.code].join()));
  const sids = new Map(rows.map((row) => [row.message_id, new Set<string>()]));
  for (const row of rows) if (row.source !== EventSource.LIST) sids.get(row.message_id)!.add(row.sid);
  return statements.map((s) => {
    const fact = [s.messageId, s.attempt, s.status, s.sid, s.errorCode].join();
    if (facts.has(fact)) return "repeated";
    facts.add(fact);
    const known = sids.get(s.messageId) ?? new Set();
    const isDuplicate = known.size > 0 && !known.has(s.sid);
    sids.set(s.messageId, known.add(s.sid));
    return isDuplicate ? "duplicate" : "applied";
  });
}

/** Of statements that say the same, the earliest is the event; Twilio's list yields to all others. */
async function keepEvents(client: PoolClient, statements: readonly Statement[]): Promise<void> {
  await client.query(
    `insert into message_event as e (message_id, tenant_id, attempt, status, twilio_sid, error_code, source, at, detail)
     select distinct on (s.message_id, s.attempt, s.status, s.sid, s.error_code)
            s.message_id, m.tenant_id, s.attempt, s.status, s.sid, s.error_code, s.source, s.at, s.detail
     from unnest($1::uuid[], $2::int[], $3::smallint[], $4::text[], $5::int[], $6::smallint[], $7::timestamptz[], $8::jsonb[])
       as s(message_id, attempt, status, sid, error_code, source, at, detail)
     join message m on m.id = s.message_id and m.id = any($1::uuid[])
     order by s.message_id, s.attempt, s.status, s.sid, s.error_code, s.source = ${EventSource.LIST}, s.at, s.source,
              coalesce(s.detail::text, '')
     on conflict (message_id, attempt, status, twilio_sid, error_code)
     do update set at = excluded.at, source = excluded.source, detail = excluded.detail
     where ${earlierEvent}`,
    [
      statements.map((s) => s.messageId),
      statements.map((s) => s.attempt),
      statements.map((s) => s.status),
      statements.map((s) => s.sid),
      statements.map((s) => s.errorCode),
      statements.map((s) => s.source),
      statements.map((s) => s.at),
      statements.map((s) => s.detail && JSON.stringify(s.detail)),
    ],
  );
}

/**
 * For `insert into message_event as e ... on conflict do update`: which of two that say the same is the event. The list names
 * no attempt, so whoever does comes before it; then the earlier.
 */
export const earlierEvent = `(excluded.source = ${EventSource.LIST}, excluded.at, excluded.source, coalesce(excluded.detail::text, ''))
                           < (e.source = ${EventSource.LIST}, e.at, e.source, coalesce(e.detail::text, ''))`;

async function weigh(client: PoolClient, statements: readonly Statement[]): Promise<void> {
  await client.query(weighStatement, [
    statements.map((s) => s.messageId),
    statements.map((s) => s.attempt),
    statements.map((s) => s.status),
    statements.map((s) => s.errorCode),
    statements.map((s) => s.errorMessage),
    statements.map((s) => s.source),
    statements.map((s) => s.at),
  ]);
}

const { SUBMITTED, SENT, UNDELIVERED, FAILED, DELIVERED, READ } = MessageStatus;

// Events do not hold the words for an error: those of a new verdict are among the statements that changed it. A message
// without a SID has only the hub's own words so far, and they yield. What the hub has assumed is no evidence.
const weighStatement = `
  with said as (
    select message_id, min(source) as source, max(at) as at,
           (array_agg(error_message order by status desc, error_code desc, error_message))[1] as error_message,
           max(attempt) filter (where source = ${EventSource.RESPONSE}) as answered
    from unnest($1::uuid[], $2::int[], $3::smallint[], $4::int[], $5::text[], $6::smallint[], $7::timestamptz[])
      as s(message_id, attempt, status, error_code, error_message, source, at)
    group by message_id
  ), heard as (
    select message_id, tenant_id, attempt, status, twilio_sid as sid, error_code, at,
           bool_or(source <> ${EventSource.LIST}) over (partition by message_id, attempt) as by_name,
           bool_or(source <> ${EventSource.LIST}) over (partition by message_id, attempt, twilio_sid) as sid_by_name
    from message_event where message_id = any($1::uuid[]) and twilio_sid <> ''
  ), fact as materialized (
    select * from heard where sid_by_name or not by_name
  ), bound as (
    select message_id, attempt, min(sid) as sid from fact group by message_id, attempt
  ), beyond as (
    insert into duplicate_sid as d (twilio_sid, tenant_id, message_id, attempt, seen_at)
    select distinct on (f.sid) f.sid, f.tenant_id, f.message_id, f.attempt, f.at
    from fact f join bound b on b.message_id = f.message_id and b.attempt = f.attempt
    where f.sid <> b.sid
    order by f.sid, f.at
    on conflict (twilio_sid) do update set seen_at = excluded.seen_at where excluded.seen_at < d.seen_at
  ), closed as (
    update message_attempt c set twilio_sid = b.sid
    from bound b
    where c.message_id = any($1::uuid[]) and c.message_id = b.message_id and c.attempt = b.attempt
      and c.twilio_sid is distinct from b.sid
  ), verdict as (
    select message_id, max(status) as status,
           (array_agg(error_code order by status desc, error_code desc))[1] as error_code,
           (array_agg(sid order by attempt desc, sid))[1] as sid,
           min(at) filter (where status = ${SUBMITTED}) as submitted_at,
           min(at) filter (where status = ${SENT}) as sent_at,
           min(at) filter (where status = ${DELIVERED}) as delivered_at,
           min(at) filter (where status = ${READ}) as read_at,
           min(at) filter (where status in (${UNDELIVERED}, ${FAILED})) as failed_at
    from fact group by message_id
  ), target as materialized (
    select m.id, m.tenant_id, m.batch_id, m.status, m.error_code from message m where m.id = any($1::uuid[])
  ), changed as (
    update message m
    set status = case when m.twilio_sid is null then v.status else greatest(m.status, v.status) end,
        error_code = case when m.twilio_sid is null or v.status > m.status then v.error_code
                          when v.status = m.status then greatest(m.error_code, v.error_code)
                          else m.error_code end,
        error_message = case when m.twilio_sid is null or v.status > m.status
                               or (v.status = m.status and v.error_code > m.error_code)
                             then s.error_message else m.error_message end,
        twilio_sid = v.sid,
        evidence = case when m.evidence in (0, ${EventSource.ASSUMED}) then s.source else least(m.evidence, s.source) end,
        claim_token = case when s.answered = m.attempt then null else m.claim_token end,
        lease_until = null,
        reconcile_at = null,
        absences = 0,
        submitted_at = least(m.submitted_at, v.submitted_at),
        sent_at = least(m.sent_at, v.sent_at),
        delivered_at = least(m.delivered_at, v.delivered_at),
        read_at = least(m.read_at, v.read_at),
        failed_at = least(case when m.twilio_sid is not null then m.failed_at end, v.failed_at),
        updated_at = greatest(m.updated_at, s.at)
    from verdict v join said s on s.message_id = v.message_id
    where m.id = any($1::uuid[]) and m.id = v.message_id
    returning m.id, m.status, m.error_code
  )
  insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
  select tenant_id, batch_id, status, error_code, sum(n)::int
  from (
    select t.tenant_id, t.batch_id, t.status, counted_error(t.status, t.error_code) as error_code, -1 as n
    from target t join changed c on c.id = t.id
    union all
    select t.tenant_id, t.batch_id, c.status, counted_error(c.status, c.error_code), 1
    from target t join changed c on c.id = t.id
  ) moved
  group by tenant_id, batch_id, status, error_code
  having sum(n) <> 0`;
