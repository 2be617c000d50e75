import { messageIdRange } from "@wahub/domain";
import { BatchState, EventSource, MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { repeatAfterDeadlock } from "./transaction.ts";

/** What one round of closing did. */
export interface ClosedWaiting {
  /** Messages that were moved. */
  readonly messages: number;
  /** True when there is probably more: run again. */
  readonly more: boolean;
}

export interface CloseOptions {
  readonly now: Date;
  /** Most messages moved per batch and call, in one statement. */
  readonly limit: number;
}

/** Batches taken up per round; the others' turn comes as these have nothing waiting any more. */
const batchesPerRound = 20;

/**
 * Moves waiting messages (accepted, queued) of batches that were called off to CANCELED. What is on its way to Twilio or
 * unknown finishes by itself. Serves all tenants; safe in many replicas: rows that somebody else holds are left for
 * the next round.
 */
export function cancelWaiting(pool: Pool, options: CloseOptions): Promise<ClosedWaiting> {
  const condition = `b.state = ${BatchState.CANCELED} and b.completed_at is null and $1::timestamptz is not null`;
  return closeWaiting(pool, MessageStatus.CANCELED, condition, options);
}

/** The same for batches whose time is over at `now`, running or paused: their waiting messages become EXPIRED. */
export function expireWaiting(pool: Pool, options: CloseOptions): Promise<ClosedWaiting> {
  const condition = `b.state in (${BatchState.RUNNING}, ${BatchState.PAUSED}) and b.expires_at <= $1`;
  return closeWaiting(pool, MessageStatus.EXPIRED, condition, options);
}

async function closeWaiting(
  pool: Pool,
  status: MessageStatus,
  condition: string,
  { now, limit }: CloseOptions,
): Promise<ClosedWaiting> {
  const { rows: batches } = await pool.query<WaitingBatch>(waitingBatches(condition), [now]);
  let messages = 0;
  let more = batches.length === batchesPerRound;
  for (const batch of batches) {
    const { first, last } = messageIdRange(batch.id);
    const { rowCount } = await repeatAfterDeadlock(() =>
      pool.query(closeStatement, [batch.sender_id, batch.id, first, last, limit, status, now]),
    );
    messages += rowCount ?? 0;
    more ||= rowCount === limit;
  }
  return { messages, more };
}

interface WaitingBatch {
  id: string;
  sender_id: string;
}

const { ACCEPTED, QUEUED } = MessageStatus;

/** A batch may stay open for days because of a message that is unknown; it is taken up again only where one waits. */
const waitingBatches = (condition: string): string => `
  select b.id, b.sender_id from batch b
  cross join lateral (
    select (left(b.id::text, 13) || '-0000-0000-000000000000')::uuid as first_id,
           (left(b.id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid as last_id) range
  where ${condition}
    and (exists (select from message m
                 where m.batch_id = b.id and m.status = ${ACCEPTED} and m.id between first_id and last_id)
      or exists (select from message m
                 where m.sender_id = b.sender_id and m.status = ${QUEUED} and m.batch_id = b.id
                   and m.id between first_id and last_id))
  order by b.id limit ${batchesPerRound}`;

// The rows are looked up in the partial indexes first and locked in id order, like everywhere else. Queued ones come
// first: they take up their sender's inventory. A row that has left its status meanwhile is dropped when it is locked.
const closeStatement = `
  with chosen as materialized (
    (select id from message
     where sender_id = $1 and status = ${QUEUED} and batch_id = $2 and id between $3 and $4
     limit $5)
    union all
    (select id from message
     where batch_id = $2 and status = ${ACCEPTED} and id between $3 and $4
     order by next_at, id limit $5)
    limit $5
  ), waiting as materialized (
    select id, tenant_id, batch_id, attempt, status from message
    where id = any (array(select id from chosen)) and id between $3 and $4 and status in (${ACCEPTED}, ${QUEUED})
    order by id
    for no key update skip locked
  ), event as (
    insert into message_event (message_id, tenant_id, attempt, status, source, at)
    select id, tenant_id, attempt, $6, ${EventSource.HUB}, $7 from waiting
    on conflict do nothing
  ), counted as (
    insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
    select tenant_id, batch_id, status, 0, sum(n)::int
    from (select tenant_id, batch_id, status, -1 as n from waiting
          union all
          select tenant_id, batch_id, $6::smallint, 1 from waiting) moved
    group by tenant_id, batch_id, status
  )
  update message set status = $6, updated_at = $7
  where id = any (array(select id from waiting)) and id between $3 and $4`;
