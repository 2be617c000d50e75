import { EventSource, MessageStatus } from "@wahub/proto";
import type { Pool } from "pg";
import { repeatAfterDeadlock } from "./transaction.ts";

/**
 * Moves messages whose sender has not reported within its lease from sending to unknown: nobody can say whether Twilio
 * took them. The lease is judged by the database's clock, which also set it; it stays on the message, as the end of the
 * time in which the request can have reached Twilio. Serves all tenants; safe in many replicas.
 *
 * @param limit most messages per call
 * @returns how many were moved
 */
export async function expireLeases(pool: Pool, options: { now: Date; limit: number }): Promise<number> {
  // An array of ids is always looked up in the index; a join would read whole partitions where that seems cheaper.
  const { rowCount } = await repeatAfterDeadlock(() =>
    pool.query(
      `with expired as materialized (
         select id, tenant_id, batch_id, attempt from message
         where status = $1 and lease_until < clock_timestamp()
         order by id limit $2
         for no key update skip locked
       ), event as (
         insert into message_event (message_id, tenant_id, attempt, status, source, at)
         select id, tenant_id, attempt, $3, $4, $5 from expired
         on conflict do nothing
       ), counted as (
         insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
         select tenant_id, batch_id, v.status, 0, v.sign * count(*)::int
         from expired cross join (values ($1::smallint, -1), ($3::smallint, 1)) as v(status, sign)
         group by tenant_id, batch_id, v.status, v.sign
       )
       update message set status = $3, error_code = 0, error_message = 'lease_expired', reconcile_at = $5, absences = 0,
           unlisted_since = null, updated_at = $5
       where id = any (array(select id from expired))`,
      [MessageStatus.SENDING, options.limit, MessageStatus.UNKNOWN, EventSource.HUB, options.now],
    ),
  );
  return rowCount ?? 0;
}
