import { unfinishedStatuses, unsettledStatuses } from "@wahub/domain";
import { BatchState, EventSource, MessageStatus, UnknownPolicy } from "@wahub/proto";
import type { Queryable } from "./queryable.ts";

/** What can be wrong with a batch, in words for whoever has to look into it. Label of a metric: a closed set. */
export const auditFaults = {
  total: "the batch's total is not the number of its messages",
  counts: "the counts (folded and deltas) are not what its messages say",
  no_sid: "messages are at Twilio, as their status says, without a SID and without being assumed to be",
  waiting_in_closed: "messages wait for their turn in a batch that is over",
  sending_without_lease: "messages are being sent without a lease, so nobody notices when their sender dies",
  unknown_forgotten: "messages are unknown and nobody asks what became of them",
  completed_early: "the batch is completed and has messages that are being sent or unknown",
  settled_early: "the batch was settled while messages were on their way",
} as const;

export type AuditFaultKind = keyof typeof auditFaults;

/** One thing that is wrong with one batch. */
export interface AuditFault {
  readonly kind: AuditFaultKind;
  readonly batchId: string;
  readonly tenantId: string;
  /** How many messages are concerned; where two sums differ, by how much. */
  readonly count: number;
}

/** Clocks of services differ: what was learned this shortly before a batch was settled may have been stored after. */
const clockSkewMs = 10_000;

/** Batches whose recipients are all stored and whose rows are not being deleted. */
const audited = [BatchState.RUNNING, BatchState.PAUSED, BatchState.CANCELED, BatchState.COMPLETED];

/**
 * Compares all that is stored of these batches with itself. One statement sees all of it at one moment, so there is no
 * fault where services are at work, either. It reads every message of the batches once (a million takes a few seconds) and
 * locks nothing. Batches that are being stored or discarded are passed over.
 *
 * @param options.settleAfterMs the age at which completed batches are settled whatever is still on its way
 */
export async function auditBatches(
  db: Queryable,
  batchIds: readonly string[],
  options: { settleAfterMs: number },
): Promise<AuditFault[]> {
  const { rows } = await db.query<{ kind: AuditFaultKind; batch_id: string; tenant_id: string; count: number }>(
    auditStatement,
    [batchIds, audited, unfinishedStatuses, unsettledStatuses, options.settleAfterMs, clockSkewMs],
  );
  return rows.map((row) => ({ kind: row.kind, batchId: row.batch_id, tenantId: row.tenant_id, count: row.count }));
}

const { ACCEPTED, QUEUED, SENDING, UNKNOWN, SUBMITTED, CANCELED, FAILED, EXPIRED } = MessageStatus;

/** Where the hub alone may have said it; every other status from submitted on is Twilio's word. */
const ownWords = [CANCELED, FAILED, EXPIRED].join();

// The range of ids keeps the look-up of a batch to its own partition.
const auditStatement = `
  with chosen as materialized (
    select id, tenant_id, total, completed_at is not null as is_over, unknown_policy,
           case when settled_at < completed_at + $5 * interval '1 millisecond'
                then settled_at - $6 * interval '1 millisecond' end as settled_by,
           (left(id::text, 13) || '-0000-0000-000000000000')::uuid as first_id,
           (left(id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid as last_id
    from batch where id = any($1::uuid[]) and state = any($2::smallint[])
  ), stored as materialized (
    select b.id as batch_id, g.* from chosen b
    cross join lateral (
      select m.status, counted_error(m.status, m.error_code) as error_code, count(*)::int as n,
             (count(*) filter (where m.twilio_sid is null and m.evidence <> ${EventSource.ASSUMED}
                                 and m.status >= ${SUBMITTED} and m.status not in (${ownWords})))::int as no_sid,
             (count(*) filter (where m.lease_until is null and m.status = ${SENDING}))::int as no_lease,
             (count(*) filter (where m.reconcile_at is null and m.status = ${UNKNOWN}))::int as not_asked,
             (count(*) filter (where m.updated_at <= b.settled_by and m.status = any($4::smallint[])))::int as unsettled
      from message m
      where m.batch_id = b.id and m.id between b.first_id and b.last_id
      group by m.status, counted_error(m.status, m.error_code)) g
  ), counted as (
    select batch_id, status, error_code, sum(n)::int as n
    from (select batch_id, status, error_code, n from batch_count where batch_id = any($1::uuid[])
          union all
          select batch_id, status, error_code, n from batch_count_delta where batch_id = any($1::uuid[])) parts
    where batch_id in (select id from chosen)
    group by batch_id, status, error_code
  ), fault as (
    select 'total' as kind, b.id as batch_id, abs(b.total - coalesce(sum(s.n), 0))::int as count
    from chosen b left join stored s on s.batch_id = b.id group by b.id, b.total
    union all
    select 'counts', batch_id, sum(abs(coalesce(s.n, 0) - coalesce(c.n, 0)))::int
    from stored s full join counted c using (batch_id, status, error_code) group by batch_id
    union all
    select 'no_sid', batch_id, sum(no_sid)::int from stored group by batch_id
    union all
    select 'waiting_in_closed', s.batch_id, sum(s.n)::int
    from stored s join chosen b on b.id = s.batch_id
    where b.is_over and s.status in (${ACCEPTED}, ${QUEUED}) group by s.batch_id
    union all
    select 'sending_without_lease', batch_id, sum(no_lease)::int from stored group by batch_id
    union all
    select 'unknown_forgotten', s.batch_id, sum(s.not_asked)::int
    from stored s join chosen b on b.id = s.batch_id
    where b.unknown_policy <> ${UnknownPolicy.HOLD} group by s.batch_id
    union all
    select 'completed_early', s.batch_id, sum(s.n)::int
    from stored s join chosen b on b.id = s.batch_id
    where b.is_over and s.status = any($3::smallint[]) and s.status not in (${ACCEPTED}, ${QUEUED}) group by s.batch_id
    union all
    select 'settled_early', batch_id, sum(unsettled)::int from stored group by batch_id
  )
  select f.kind, f.batch_id, b.tenant_id, f.count
  from fault f join chosen b on b.id = f.batch_id
  where f.count > 0 order by f.batch_id, f.kind`;
