import { EventSource, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { earlierEvent, weighLateEvidence, type Statement, type StatementFate } from "./late-evidence.ts";
import { repeatAfterDeadlock } from "./transaction.ts";

/** A status callback whose signature has been checked, or what Twilio's list says of a message. */
export interface StatusCallback {
  /** Who says so; a callback unless it says otherwise. */
  readonly source?: typeof EventSource.CALLBACK | typeof EventSource.LIST;
  /** The account that signed it, or whose list it is. */
  readonly accountSid: string;
  readonly messageSid: string;
  /** From our own parameters in the callback URL; undefined where it was called without them. */
  readonly messageId: string | undefined;
  readonly attempt: number | undefined;
  /** UNSPECIFIED for a word of Twilio's that has no status here: the callback is parked. */
  readonly status: MessageStatus;
  /** 0 for none. */
  readonly errorCode: number;
  /** Words for the code, kept with the message if this callback decides its status. */
  readonly errorMessage: string;
  readonly receivedAt: Date;
  /** The form without personal values, kept with the event. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What a callback turned out to be. `parked`: of no message of this account that we know, or with a status that we do not; kept apart until it expires. */
export type CallbackFate = StatementFate | "parked";

/**
 * Applies many callbacks: event, status and counts of a message change together or not at all. The status only rises;
 * each time stamp keeps the earliest time; rows, history and counts are the same for any order and any repetition. What
 * the hub itself has said without a SID (waiting, unknown, called off, refused, assumed) yields to any of them.
 *
 * One statement does it for callbacks of a message's current attempt with its one SID. The rest is weighed together with
 * all that is known of the message, under locks, by `weighLateEvidence`: the same call repeated is safe at any point.
 *
 * @param parkUntil when a parked callback may be deleted
 * @returns one fate per callback, in order
 */
export async function applyCallbacks(
  pool: Pool,
  callbacks: readonly StatusCallback[],
  parkUntil: Date,
): Promise<CallbackFate[]> {
  const understood = callbacks.filter(({ status }) => status !== MessageStatus.UNSPECIFIED);
  if (understood.length === callbacks.length) return applyUnderstood(pool, callbacks, parkUntil);
  const fates = await applyUnderstood(pool, understood, parkUntil);
  const rest = callbacks.filter(({ status }) => status === MessageStatus.UNSPECIFIED);
  const targets = await findTargets(pool, rest);
  await park(
    pool,
    rest.map((callback, i) => ({ callback, target: targets[i] })),
    parkUntil,
  );
  return callbacks.map(({ status }) => (status === MessageStatus.UNSPECIFIED ? "parked" : fates.shift()!));
}

async function applyUnderstood(
  pool: Pool,
  callbacks: readonly StatusCallback[],
  parkUntil: Date,
): Promise<CallbackFate[]> {
  if (callbacks.length === 0) return [];
  const targets = await findTargets(pool, callbacks);
  const fates = await repeatAfterDeadlock(() => applyPlain(pool, callbacks, targets));
  const late = callbacks.flatMap((callback, i) => (fates[i] === "late" ? [{ callback, target: targets[i]!, i }] : []));
  const weighed = late.length === 0 ? [] : await weighLateEvidence(pool, late.map(toStatement));
  late.forEach(({ i }, k) => (fates[i] = weighed[k]));
  const nobodys = callbacks.flatMap((callback, i) => (fates[i] ? [] : [{ callback, target: targets[i] }]));
  if (nobodys.length > 0) await park(pool, nobodys, parkUntil);
  return fates.map((fate) => (fate === undefined ? "parked" : (fate as StatementFate)));
}

/**
 * Applies what Twilio's list says of messages that are unknown and have no SID, within a transaction that holds their rows.
 *
 * @throws Error where a message is not as it was promised
 */
export async function applyListed(client: PoolClient, listed: readonly StatusCallback[]): Promise<void> {
  const targets = listed.map(({ messageId, attempt }) => ({ messageId: messageId!, attempt: attempt! }));
  const fates = await applyPlain(client, listed, targets);
  if (fates.some((fate) => fate !== "applied")) throw new Error(`what the list says was not applied: ${fates.join()}`);
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
    // A message may show the SID of an attempt that is closed: the closed attempt says which. The last one stands.
    const { rows } = await pool.query<{ twilio_sid: string; id: string; attempt: number }>(
      `select twilio_sid, id, attempt, 1 as weight from message where twilio_sid = any($1::text[])
       union all
       select twilio_sid, message_id, attempt, 2 from duplicate_sid where twilio_sid = any($1::text[])
       union all
       select twilio_sid, message_id, attempt, 3 from message_attempt where twilio_sid = any($1::text[])
       order by weight`,
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

function toStatement({ callback, target }: { callback: StatusCallback; target: Target }): Statement {
  return {
    ...target,
    sid: callback.messageSid,
    status: callback.status,
    errorCode: callback.errorCode,
    errorMessage: callback.errorMessage,
    source: callback.source ?? EventSource.CALLBACK,
    at: callback.receivedAt,
    detail: callback.detail,
    of: { accountSid: callback.accountSid },
  };
}

/** Fates of what one statement can apply; `late` for what needs weighing; undefined for what is nobody's. */
async function applyPlain(
  client: Pool | PoolClient,
  callbacks: readonly StatusCallback[],
  targets: readonly (Target | undefined)[],
): Promise<(StatementFate | "late" | undefined)[]> {
  const { rows } = await client.query<{ position: number; fate: StatementFate | "late" }>({
    name: "apply-callbacks",
    text: applyStatement,
    values: [
      targets.map((t) => t?.messageId ?? null),
      targets.map((t) => t?.attempt ?? null),
      callbacks.map((c) => c.accountSid),
      callbacks.map((c) => c.messageSid),
      callbacks.map((c) => c.status),
      callbacks.map((c) => c.errorCode),
      callbacks.map((c) => c.errorMessage),
      callbacks.map((c) => c.receivedAt),
      callbacks.map((c) => JSON.stringify(c.detail)),
      callbacks.map((c) => c.source ?? EventSource.CALLBACK),
    ],
  });
  const fates: (StatementFate | "late" | undefined)[] = callbacks.map(() => undefined);
  for (const row of rows) fates[row.position - 1] = row.fate;
  return fates;
}

/** Keeps callbacks of nobody apart. */
async function park(
  pool: Pool,
  nobodys: readonly { callback: StatusCallback; target: Target | undefined }[],
  parkUntil: Date,
): Promise<void> {
  await pool.query(
    `insert into orphan_callback (id, tenant_id, account_sid, twilio_sid, message_id, attempt, status, error_code, detail,
                                  received_at, expires_at)
     select gen_random_uuid(), a.tenant_id, c.account_sid, c.sid, c.message_id, c.attempt, c.status, c.error_code, c.detail,
            c.at, $9
     from unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::smallint[], $6::int[], $7::jsonb[], $8::timestamptz[])
       as c(account_sid, sid, message_id, attempt, status, error_code, detail, at)
     left join account a on a.sid = c.account_sid`,
    [
      nobodys.map(({ callback }) => callback.accountSid),
      nobodys.map(({ callback }) => callback.messageSid),
      nobodys.map(({ target }) => target?.messageId ?? null),
      nobodys.map(({ target }) => target?.attempt ?? null),
      nobodys.map(({ callback }) => callback.status),
      nobodys.map(({ callback }) => callback.errorCode),
      nobodys.map(({ callback }) => JSON.stringify(callback.detail)),
      nobodys.map(({ callback }) => callback.receivedAt),
      parkUntil,
    ],
  );
}

const { SENDING, UNKNOWN, SUBMITTED, SENT, UNDELIVERED, FAILED, DELIVERED, READ } = MessageStatus;

/** Statuses without a SID in which the current attempt may still turn out to be at Twilio and is not closed. */
const unproven = [SENDING, UNKNOWN, SUBMITTED, FAILED].join();

// The error belongs to the status that decides: where the status rises it is that of the new status, among callbacks of
// the same status the highest code wins, so the order of arrival does not matter. Nor does it for the history: of
// callbacks that say the same, the one received first is the event, also where another was stored before it. A message
// without a SID has no evidence so far: its status is the hub's own word and yields, whatever its rank.
//
// PostgreSQL takes each of these sets for a row or two. `in` is looked up in a hash table whatever it thinks; a join of
// two sets would compare each with each, and so would `= any($1)` beside the join that updates.
const applyStatement = `
  with callback as (
    select c.*, a.id as account_id, a.tenant_id
    from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::smallint[], $6::int[], $7::text[],
                $8::timestamptz[], $9::jsonb[], $10::smallint[]) with ordinality
      as c(message_id, attempt, account_sid, sid, status, error_code, error_message, at, detail, source, position)
    left join account a on a.sid = c.account_sid
  ), target as materialized (
    select m.id, m.tenant_id, m.batch_id, m.attempt, m.account_id, m.status, m.error_code, m.twilio_sid
    from message m
    where m.id = any($1::uuid[])
    order by m.id
    for no key update of m
  ), matched as (
    select c.*, c.attempt = t.attempt
                and coalesce(t.twilio_sid = c.sid, t.status in (${unproven})) as easy
    from callback c
    join target t on t.id = c.message_id and t.tenant_id = c.tenant_id
    where c.attempt between 1 and t.attempt and (c.attempt < t.attempt or t.account_id = c.account_id)
  ), judged as materialized (
    select *, bool_and(easy) over of_message and min(sid) over of_message = max(sid) over of_message as plain
    from matched window of_message as (partition by message_id)
  ), fact as materialized (
    select distinct on (message_id, attempt, status, sid, error_code) *
    from judged where plain
    order by message_id, attempt, status, sid, error_code, source = ${EventSource.LIST}, at, source, coalesce(detail::text, ''), position
  ), event as (
    insert into message_event (message_id, tenant_id, attempt, status, twilio_sid, error_code, source, at, detail)
    select message_id, tenant_id, attempt, status, sid, error_code, source, at, detail from fact
    on conflict do nothing
    returning message_id, attempt, status, twilio_sid, error_code
  ), known_event as (
    insert into message_event as e (message_id, tenant_id, attempt, status, twilio_sid, error_code, source, at, detail)
    select message_id, tenant_id, attempt, status, sid, error_code, source, at, detail
    from fact
    where (message_id, attempt, status, sid, error_code)
          not in (select message_id, attempt, status, twilio_sid, error_code from event)
    on conflict (message_id, attempt, status, twilio_sid, error_code)
    do update set at = excluded.at, source = excluded.source, detail = excluded.detail
    where ${earlierEvent}
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
           min(sid) as sid,
           min(source) as source
    from judged where plain
    group by message_id
  ), changed as (
    update message m
    set status = case when m.twilio_sid is null then d.status else greatest(m.status, d.status) end,
        error_code = case when m.twilio_sid is null or d.status > m.status then d.error_code
                          when d.status = m.status then greatest(m.error_code, d.error_code)
                          else m.error_code end,
        error_message = case when m.twilio_sid is null or d.status > m.status
                               or (d.status = m.status and d.error_code > m.error_code)
                             then d.error_message else m.error_message end,
        twilio_sid = d.sid,
        evidence = case when m.evidence in (0, ${EventSource.ASSUMED}) then d.source else least(m.evidence, d.source) end,
        lease_until = null,
        reconcile_at = null,
        absences = 0,
        submitted_at = least(m.submitted_at, d.submitted_at),
        sent_at = least(m.sent_at, d.sent_at),
        delivered_at = least(m.delivered_at, d.delivered_at),
        read_at = least(m.read_at, d.read_at),
        failed_at = least(case when m.twilio_sid is not null then m.failed_at end, d.failed_at),
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
  )
  select position::int as position,
         case when not plain then 'late'
              when position in (select position from fact)
               and (message_id, attempt, status, sid, error_code)
                   in (select message_id, attempt, status, twilio_sid, error_code from event)
              then 'applied' else 'repeated' end as fate
  from judged`;
