import { EventSource, MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { repeatAfterDeadlock } from "./transaction.ts";

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
 * Records the outcomes of many attempts in one statement: compare-and-set on (id, attempt, claim token) and by rank. A
 * callback may have been faster: then the SID and the event are added and the higher status stays. Going back to
 * accepted, failing and unknown also need that nothing has shown Twilio to have the message. A closed attempt is kept
 * in message_attempt.
 *
 * @returns for each outcome whether it was applied; false means that the claim was no longer this sender's
 */
export async function recordOutcomes(pool: Pool, outcomes: readonly AttemptOutcome[], now: Date): Promise<boolean[]> {
  const column = <T>(pick: (outcome: AttemptOutcome) => T): T[] => outcomes.map(pick);
  const { rows } = await repeatAfterDeadlock(() =>
    pool.query<{ id: string; attempt: number }>({
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
      ],
    }),
  );
  const applied = new Set(rows.map((row) => `${row.id}/${row.attempt}`));
  return outcomes.map((o) => applied.has(`${o.messageId}/${o.attempt}`));
}

const { ACCEPTED, SENDING, UNKNOWN, SUBMITTED, FAILED } = MessageStatus;

const recordStatement = `
  with outcome as (
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::smallint[], $6::text[], $7::int[],
                         $8::text[], $9::timestamptz[], $10::smallint[])
      as o(tenant_id, id, attempt, token, status, sid, error_code, error_message, next_at, tries)
  ), held as materialized (
    select m.id, m.tenant_id, m.batch_id, m.attempt, m.status as old_status, m.error_code as old_error_code,
           m.account_id, m.sender_id, m.claimed_at,
           o.status as outcome, o.sid, o.error_code, o.error_message, o.next_at, o.tries,
           case when o.status = ${SUBMITTED} then greatest(m.status, ${SUBMITTED}::smallint) else o.status end as new_status
    from message m join outcome o on o.id = m.id and o.tenant_id = m.tenant_id
    where m.id = any($2::uuid[]) and m.attempt = o.attempt and m.claim_token = o.token
      and (o.status = ${SUBMITTED}
        or (m.twilio_sid is null
            and (m.status = ${SENDING} or (m.status = ${UNKNOWN} and o.status in (${ACCEPTED}, ${FAILED})))))
    order by m.id
    for no key update of m
  ), recorded as (
    update message m
    set status = held.new_status,
        twilio_sid = coalesce(m.twilio_sid, held.sid),
        evidence = case when m.twilio_sid is null and held.sid is not null then ${EventSource.RESPONSE} else m.evidence end,
        error_code = case when held.new_status > ${SUBMITTED} and held.outcome = ${SUBMITTED} then m.error_code else held.error_code end,
        error_message = case when held.new_status > ${SUBMITTED} and held.outcome = ${SUBMITTED} then m.error_message else held.error_message end,
        next_at = coalesce(held.next_at, m.next_at),
        tries = m.tries + held.tries,
        claim_token = case when held.outcome = ${UNKNOWN} then m.claim_token end,
        lease_until = case when held.outcome = ${UNKNOWN} then m.lease_until end,
        reconcile_at = case when held.outcome = ${UNKNOWN} then $11::timestamptz end,
        absences = 0,
        submitted_at = case when held.outcome = ${SUBMITTED} then least(m.submitted_at, $11) else m.submitted_at end,
        failed_at = case when held.outcome = ${FAILED} then least(m.failed_at, $11) else m.failed_at end,
        updated_at = $11
    from held where m.id = held.id
    returning m.id, m.attempt, m.status, m.error_code
  ), event as (
    insert into message_event (message_id, tenant_id, attempt, status, twilio_sid, error_code, source, at)
    select id, tenant_id, attempt, outcome, coalesce(sid, ''), error_code,
           case when outcome = ${UNKNOWN} then ${EventSource.HUB} else ${EventSource.RESPONSE} end, $11
    from held
    on conflict do nothing
  ), closed as (
    insert into message_attempt (message_id, tenant_id, attempt, account_id, sender_id, error_code, error_message,
                                 claimed_at, closed_at)
    select id, tenant_id, attempt, account_id, sender_id, error_code, error_message, claimed_at, $11
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
  select id, attempt from recorded`;
