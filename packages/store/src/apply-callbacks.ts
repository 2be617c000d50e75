import { EventSource, MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { repeatAfterDeadlock } from "./transaction.ts";

/** A status callback whose signature has been checked. */
export interface StatusCallback {
  /** The account that signed it. */
  readonly accountSid: string;
  readonly messageSid: string;
  /** From our own parameters in the callback URL; undefined where it was called without them. */
  readonly messageId: string | undefined;
  readonly attempt: number | undefined;
  readonly status: MessageStatus;
  /** 0 for none. */
  readonly errorCode: number;
  /** Words for the code, kept with the message if this callback decides its status. */
  readonly errorMessage: string;
  readonly receivedAt: Date;
  /** The form without personal values, kept with the event. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What a callback turned out to be. */
export type CallbackFate =
  /** News, and kept. */
  | "applied"
  /** Known already. */
  | "repeated"
  /** Of no message of this account that we know; kept apart until it expires. */
  | "parked";

/**
 * Applies many callbacks in one statement: the event and the message's status change together or not at all. The status
 * only rises; each time stamp keeps the earliest time; the outcome is the same for any order and any repetition. A
 * callback of an earlier attempt is kept as an event and does not touch the current one.
 *
 * @param parkUntil when a parked callback may be deleted
 * @returns one fate per callback, in order
 */
export async function applyCallbacks(
  pool: Pool,
  callbacks: readonly StatusCallback[],
  parkUntil: Date,
): Promise<CallbackFate[]> {
  const column = <T>(pick: (callback: StatusCallback) => T): T[] => callbacks.map(pick);
  const targets = await findTargets(pool, callbacks);
  const { rows } = await repeatAfterDeadlock(() =>
    pool.query<{ position: number; fate: CallbackFate }>({
      name: "apply-callbacks",
      text: applyStatement,
      values: [
        targets.map((t) => t?.messageId ?? null),
        targets.map((t) => t?.attempt ?? null),
        column((c) => c.accountSid),
        column((c) => c.messageSid),
        column((c) => c.status),
        column((c) => c.errorCode),
        column((c) => c.errorMessage),
        column((c) => c.receivedAt),
        column((c) => JSON.stringify(c.detail)),
        parkUntil,
      ],
    }),
  );
  const fates: CallbackFate[] = callbacks.map(() => "parked");
  for (const row of rows) fates[row.position - 1] = row.fate;
  return fates;
}

interface Target {
  readonly messageId: string;
  readonly attempt: number;
}

/** Message and attempt of each callback: by our own URL parameters, else by the SID. */
async function findTargets(pool: Pool, callbacks: readonly StatusCallback[]): Promise<(Target | undefined)[]> {
  const bare = callbacks.filter((c) => c.messageId === undefined || c.attempt === undefined);
  const bySid = new Map<string, Target>();
  if (bare.length > 0) {
    const { rows } = await pool.query<{ twilio_sid: string; id: string; attempt: number }>(
      `select twilio_sid, id, attempt from message where twilio_sid = any($1::text[])`,
      [bare.map((c) => c.messageSid)],
    );
    for (const row of rows) bySid.set(row.twilio_sid, { messageId: row.id, attempt: row.attempt });
  }
  return callbacks.map((c) =>
    c.messageId !== undefined && c.attempt !== undefined
      ? { messageId: c.messageId, attempt: c.attempt }
      : bySid.get(c.messageSid),
  );
}

const { SUBMITTED, SENT, CANCELED, UNDELIVERED, FAILED, DELIVERED, READ, EXPIRED } = MessageStatus;

/** The hub itself has called the message off. That yields to whatever Twilio says of it. */
const calledOff = `(m.twilio_sid is null and m.status in (${CANCELED}, ${EXPIRED}))`;

// The error belongs to the status that decides: where the status rises it is that of the new status, among callbacks of
// the same status the highest code wins, so the order of arrival does not matter. Nor does it for the history: of
// callbacks that say the same, the one received first is the event, also where another was stored before it.
//
// PostgreSQL takes each of these sets for a row or two. `in` is looked up in a hash table whatever it thinks; a join of
// two sets would compare each with each, and so would `= any($1)` beside the join that updates.
const applyStatement = `
  with callback as (
    select c.*, a.id as account_id, a.tenant_id
    from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::smallint[], $6::int[], $7::text[],
                $8::timestamptz[], $9::jsonb[]) with ordinality
      as c(message_id, attempt, account_sid, sid, status, error_code, error_message, at, detail, position)
    left join account a on a.sid = c.account_sid
  ), target as materialized (
    select m.id, m.tenant_id, m.batch_id, m.attempt, m.account_id, m.status, m.error_code, m.error_message
    from message m
    where m.id = any($1::uuid[])
    order by m.id
    for no key update of m
  ), matched as (
    select c.*, c.attempt = t.attempt as current
    from callback c
    join target t on t.id = c.message_id and t.tenant_id = c.tenant_id and t.account_id = c.account_id
    where c.attempt between 1 and t.attempt
  ), fact as materialized (
    select distinct on (message_id, attempt, status, sid, error_code) *
    from matched order by message_id, attempt, status, sid, error_code, at, detail::text, position
  ), event as (
    insert into message_event (message_id, tenant_id, attempt, status, twilio_sid, error_code, source, at, detail)
    select message_id, tenant_id, attempt, status, sid, error_code, ${EventSource.CALLBACK}, at, detail from fact
    on conflict do nothing
    returning message_id, attempt, status, twilio_sid, error_code
  ), known_event as (
    insert into message_event as e (message_id, tenant_id, attempt, status, twilio_sid, error_code, source, at, detail)
    select message_id, tenant_id, attempt, status, sid, error_code, ${EventSource.CALLBACK}, at, detail
    from fact
    where (message_id, attempt, status, sid, error_code)
          not in (select message_id, attempt, status, twilio_sid, error_code from event)
    on conflict (message_id, attempt, status, twilio_sid, error_code)
    do update set at = excluded.at, source = excluded.source, detail = excluded.detail
    where (excluded.at, excluded.detail::text) < (e.at, e.detail::text)
  ), deciding as (
    select message_id, max(status) as status,
           (array_agg(error_code order by status desc, error_code desc))[1] as error_code,
           (array_agg(error_message order by status desc, error_code desc, error_message))[1] as error_message,
           min(at) filter (where status = ${SUBMITTED}) as submitted_at,
           min(at) filter (where status = ${SENT}) as sent_at,
           min(at) filter (where status = ${DELIVERED}) as delivered_at,
           min(at) filter (where status = ${READ}) as read_at,
           min(at) filter (where status in (${UNDELIVERED}, ${FAILED})) as failed_at,
           max(at) as at,
           (array_agg(sid order by at, sid))[1] as sid
    from matched where current
    group by message_id
  ), changed as (
    update message m
    set status = case when ${calledOff} then d.status else greatest(m.status, d.status) end,
        error_code = case when d.status > m.status or ${calledOff} then d.error_code
                          when d.status = m.status then greatest(m.error_code, d.error_code)
                          else m.error_code end,
        error_message = case when d.status > m.status or ${calledOff}
                               or (d.status = m.status and d.error_code > m.error_code)
                             then d.error_message else m.error_message end,
        reconcile_at = null,
        absences = 0,
        twilio_sid = coalesce(m.twilio_sid, d.sid),
        evidence = case when m.twilio_sid is null then ${EventSource.CALLBACK} else m.evidence end,
        submitted_at = least(m.submitted_at, d.submitted_at),
        sent_at = least(m.sent_at, d.sent_at),
        delivered_at = least(m.delivered_at, d.delivered_at),
        read_at = least(m.read_at, d.read_at),
        failed_at = least(m.failed_at, d.failed_at),
        updated_at = greatest(m.updated_at, d.at)
    from deciding d
    where m.id = d.message_id
    returning m.id, m.status, m.error_code
  ), counted as (
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
    having sum(n) <> 0
  ), parked as (
    insert into orphan_callback (id, tenant_id, account_sid, twilio_sid, message_id, attempt, status, error_code, detail,
                                 received_at, expires_at)
    select gen_random_uuid(), c.tenant_id, c.account_sid, c.sid, c.message_id, c.attempt, c.status, c.error_code, c.detail,
           c.at, $10
    from callback c
    where not exists (select from matched m where m.position = c.position)
  )
  select position::int as position,
         case when position in (select position from fact)
               and (message_id, attempt, status, sid, error_code)
                   in (select message_id, attempt, status, twilio_sid, error_code from event)
              then 'applied' else 'repeated' end as fate
  from matched`;
