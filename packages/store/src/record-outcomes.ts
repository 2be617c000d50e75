import { BatchState, EventSource, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { earlierEvent, weighLateEvidence, type Statement, type StatementFate } from "./late-evidence.ts";
import { repeatAfterDeadlock, withTransaction } from "./transaction.ts";

/** What became of one attempt, as the sender that held the claim saw it. */
export interface AttemptOutcome {
  readonly tenantId: string;
  readonly messageId: string;
  readonly attempt: number;
  /** The token of the claim. */
  readonly token: string;
  readonly result:
    | { readonly status: typeof MessageStatus.SUBMITTED; readonly sid: string }
    /** Certainly not taken; comes again at `nextAt`. `spendsTry`: a passing failure, not a wait. */
    | {
        readonly status: typeof MessageStatus.ACCEPTED;
        readonly nextAt: Date;
        readonly spendsTry: boolean;
        readonly errorCode: number;
        readonly errorMessage: string;
      }
    | { readonly status: typeof MessageStatus.FAILED; readonly errorCode: number; readonly errorMessage: string }
    | { readonly status: typeof MessageStatus.UNKNOWN; readonly errorMessage: string };
}

/**
 * What an outcome turned out to be: a statement's fate, or `stale`: the claim was no longer this sender's, and the outcome
 * proves nothing.
 */
export type OutcomeFate = StatementFate | "stale";

/**
 * Records the outcomes of many attempts: compare-and-set on (id, attempt, claim token). What goes back goes to where its
 * batch is: waiting, or canceled or expired. A closed attempt is kept in message_attempt.
 *
 * One statement does it where nothing has shown yet that Twilio has the message. What a callback has shown stands: then
 * an outcome that says otherwise is kept in the history only. A SID is evidence whoever holds the claim meanwhile, and
 * is weighed with all that is known of the message (`weighLateEvidence`), so that the order of callbacks and outcome does
 * not matter. An outcome whose statement was committed and whose reply was lost is `repeated`: the same call repeated is
 * safe at any point.
 *
 * @returns one fate per outcome, in order
 */
export async function recordOutcomes(
  pool: Pool,
  outcomes: readonly AttemptOutcome[],
  now: Date,
): Promise<OutcomeFate[]> {
  const fates: OutcomeFate[] = outcomes.map(() => "stale");
  let open = outcomes.map((outcome, i) => ({ outcome, i }));
  // One statement sees a row once: what a message has a second outcome for waits for the next.
  while (open.length > 0) {
    const seen = new Set<string>();
    const round = open.filter(({ outcome }) => !seen.has(outcome.messageId) && seen.add(outcome.messageId));
    open = open.filter((entry) => !round.includes(entry));
    const recorded = await recordEach(
      pool,
      round.map(({ outcome }) => outcome),
      now,
    );
    round.forEach(({ i }, k) => (fates[i] = recorded[k]!));
  }
  return fates;
}

/** Of at most one outcome per message. */
async function recordEach(pool: Pool, outcomes: readonly AttemptOutcome[], now: Date): Promise<OutcomeFate[]> {
  const applied = await repeatAfterDeadlock(() => record(pool, outcomes, now, { proven: false }));
  const left = outcomes.filter((outcome) => !applied.has(outcome.messageId));
  if (left.length === 0) return outcomes.map(() => "applied");
  const late = new Map<string, OutcomeFate | undefined>();
  const answers = left.flatMap((outcome) => (isAnswer(outcome) ? [toStatement(outcome, now)] : []));
  if (answers.length > 0) {
    const weighed = await weighLateEvidence(pool, answers);
    answers.forEach((answer, i) => late.set(answer.messageId, weighed[i]));
  }
  const others = left.filter((outcome) => !isAnswer(outcome));
  if (others.length > 0) for (const [id, fate] of await recordLate(pool, others, now)) late.set(id, fate);
  return outcomes.map(({ messageId }) => (applied.has(messageId) ? "applied" : (late.get(messageId) ?? "stale")));
}

type Answer = AttemptOutcome & { readonly result: { readonly status: typeof MessageStatus.SUBMITTED } };

function isAnswer(outcome: AttemptOutcome): outcome is Answer {
  return outcome.result.status === MessageStatus.SUBMITTED;
}

function toStatement({ messageId, attempt, tenantId, result }: Answer, at: Date): Statement {
  const { status, sid } = result;
  const source = EventSource.RESPONSE;
  const facts = { status, sid, errorCode: 0, errorMessage: "", source, at, detail: undefined };
  return { messageId, attempt, ...facts, of: { tenantId } };
}

/** Outcomes without a SID, of messages that show one, or whose claim is over: repeated, of use for the history, or stale. */
async function recordLate(
  pool: Pool,
  outcomes: readonly AttemptOutcome[],
  now: Date,
): Promise<Map<string, OutcomeFate>> {
  return withTransaction(pool, async (client) => {
    await lockHeld(client, outcomes);
    const repeated = await recordedBefore(client, outcomes);
    const others = outcomes.filter((outcome) => !repeated.has(outcome.messageId));
    const applied = await record(client, others, now, { proven: true });
    return new Map([
      ...[...repeated].map((id) => [id, "repeated"] as const),
      ...[...applied].map((id) => [id, "applied"] as const),
    ]);
  });
}

/** Only of messages whose claim is still the outcome's: nobody waits for a row that is not theirs. */
async function lockHeld(client: PoolClient, outcomes: readonly AttemptOutcome[]): Promise<void> {
  await client.query(
    `select from message m
     join unnest($1::uuid[], $2::int[], $3::uuid[]) as o(id, attempt, token) on o.id = m.id
     where m.id = any($1::uuid[]) and m.attempt = o.attempt and m.claim_token = o.token
     order by m.id for no key update of m`,
    [outcomes.map((o) => o.messageId), outcomes.map((o) => o.attempt), outcomes.map((o) => o.token)],
  );
}

/** Ids of the messages whose history has the outcome already. An attempt has one claim, and a claim one outcome. */
async function recordedBefore(client: PoolClient, outcomes: readonly AttemptOutcome[]): Promise<Set<string>> {
  const { rows } = await client.query<{ message_id: string }>(
    `select o.id as message_id
     from unnest($1::uuid[], $2::uuid[], $3::int[], $4::smallint[], $5::int[]) as o(tenant_id, id, attempt, status, error_code)
     where exists (
       select from message_event e
       where e.message_id = o.id and e.tenant_id = o.tenant_id and e.attempt = o.attempt and e.twilio_sid = ''
         and e.error_code = o.error_code
         and case when o.status = ${MessageStatus.ACCEPTED}
                  then e.source = ${EventSource.RESPONSE}
                       and e.status in (${MessageStatus.ACCEPTED}, ${MessageStatus.CANCELED}, ${MessageStatus.EXPIRED})
                  else e.status = o.status end)`,
    [
      outcomes.map((o) => o.tenantId),
      outcomes.map((o) => o.messageId),
      outcomes.map((o) => o.attempt),
      outcomes.map((o) => o.result.status),
      outcomes.map((o) => ("errorCode" in o.result ? o.result.errorCode : 0)),
    ],
  );
  return new Set(rows.map((row) => row.message_id));
}

/**
 * @param options.proven also where something has shown that Twilio has the message; needs locked rows
 * @returns the ids of the messages whose outcome was recorded
 */
async function record(
  client: Pool | PoolClient,
  outcomes: readonly AttemptOutcome[],
  now: Date,
  options: { proven: boolean },
): Promise<Set<string>> {
  const column = <T>(pick: (outcome: AttemptOutcome) => T): T[] => outcomes.map(pick);
  const { rows } = await client.query<{ id: string }>({
    name: "record-outcomes",
    text: recordStatement,
    values: [
      column((o) => o.tenantId),
      column((o) => o.messageId),
      column((o) => o.attempt),
      column((o) => o.token),
      column((o) => o.result.status),
      column((o) => (o.result.status === MessageStatus.SUBMITTED ? o.result.sid : null)),
      column((o) => ("errorCode" in o.result ? o.result.errorCode : 0)),
      column((o) => ("errorMessage" in o.result ? o.result.errorMessage : "")),
      column((o) => (o.result.status === MessageStatus.ACCEPTED ? o.result.nextAt : null)),
      column((o) => (o.result.status === MessageStatus.ACCEPTED && o.result.spendsTry ? 1 : 0)),
      now,
      options.proven,
    ],
  });
  return new Set(rows.map((row) => row.id));
}

const { ACCEPTED, SENDING, UNKNOWN, SUBMITTED, CANCELED, FAILED, EXPIRED } = MessageStatus;

// A message without a SID follows the outcome. One with the outcome's SID has heard of it from a callback. One with a
// SID otherwise keeps what the callbacks have shown; where the SID is that of an attempt before, that one has it.
const recordStatement = `
  with outcome as (
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::smallint[], $6::text[], $7::int[],
                         $8::text[], $9::timestamptz[], $10::smallint[])
      as o(tenant_id, id, attempt, token, status, sid, error_code, error_message, next_at, tries)
  ), held as materialized (
    select m.id, m.tenant_id, m.batch_id, m.attempt, m.status as old_status, m.error_code as old_error_code,
           m.account_id, m.sender_id, m.claimed_at, m.twilio_sid as known_sid,
           o.status as outcome, o.sid, o.error_code, o.error_message, o.next_at, o.tries,
           case when o.status <> ${ACCEPTED} then o.status
                when b.state = ${BatchState.CANCELED} then ${CANCELED}::smallint
                when b.expires_at <= $11 then ${EXPIRED}::smallint
                else ${ACCEPTED}::smallint end as told
    from message m
    join outcome o on o.id = m.id and o.tenant_id = m.tenant_id
    join batch b on b.id = m.batch_id
    where m.id = any($2::uuid[]) and m.attempt = o.attempt and m.claim_token = o.token
      and case when o.status = ${SUBMITTED} then m.twilio_sid is null or m.twilio_sid = o.sid
               when m.twilio_sid is not null then $12
               else m.status = ${SENDING} or (m.status = ${UNKNOWN} and o.status in (${ACCEPTED}, ${FAILED})) end
    order by m.id
    for no key update of m
  ), recorded as (
    update message m
    set status = case when m.twilio_sid is null then held.told else greatest(m.status, ${SUBMITTED}) end,
        twilio_sid = coalesce(m.twilio_sid, held.sid),
        evidence = case when held.sid is null then m.evidence else ${EventSource.RESPONSE} end,
        error_code = case when m.twilio_sid is null then held.error_code else m.error_code end,
        error_message = case when m.twilio_sid is null then held.error_message else m.error_message end,
        next_at = coalesce(held.next_at, m.next_at),
        tries = m.tries + held.tries,
        claim_token = case when held.outcome = ${UNKNOWN} then m.claim_token end,
        lease_until = case when held.outcome = ${UNKNOWN} and m.twilio_sid is null then m.lease_until end,
        reconcile_at = case when held.outcome = ${UNKNOWN} and m.twilio_sid is null then $11::timestamptz end,
        absences = 0,
        unlisted_since = null,
        submitted_at = case when held.outcome = ${SUBMITTED} then least(m.submitted_at, $11) else m.submitted_at end,
        failed_at = case when held.outcome = ${FAILED} and m.twilio_sid is null then least(m.failed_at, $11) else m.failed_at end,
        updated_at = greatest(m.updated_at, $11)
    from held where m.id = held.id
    returning m.id, m.status, m.error_code
  ), event as (
    insert into message_event as e (message_id, tenant_id, attempt, status, twilio_sid, error_code, source, at)
    select id, tenant_id, attempt, told, coalesce(sid, ''), error_code,
           case when outcome = ${UNKNOWN} then ${EventSource.HUB} else ${EventSource.RESPONSE} end, $11
    from held
    on conflict (message_id, attempt, status, twilio_sid, error_code)
    do update set at = excluded.at, source = excluded.source, detail = excluded.detail
    where ${earlierEvent}
  ), closed as (
    insert into message_attempt (message_id, tenant_id, attempt, account_id, sender_id, twilio_sid, error_code,
                                 error_message, claimed_at, closed_at)
    select id, tenant_id, attempt, account_id, sender_id,
           case when not exists (select from message_attempt a where a.message_id = held.id and a.twilio_sid = held.known_sid)
                then known_sid end,
           error_code, error_message, claimed_at, $11
    from held where outcome = ${ACCEPTED}
    on conflict do nothing
  ), counted as (
    insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
    select tenant_id, batch_id, status, error_code, sum(n)::int
    from (
      select tenant_id, batch_id, old_status as status, counted_error(old_status, old_error_code) as error_code, -1 as n
      from held
      union all
      select held.tenant_id, held.batch_id, r.status, counted_error(r.status, r.error_code), 1
      from held join recorded r on r.id = held.id
    ) moved
    group by tenant_id, batch_id, status, error_code
    having sum(n) <> 0
  )
  select id from recorded`;
