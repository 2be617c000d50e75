import { BatchState, EventSource, MessageStatus } from "@wahub/proto";

const { ACCEPTED, UNKNOWN, SUBMITTED, CANCELED, EXPIRED } = MessageStatus;

/**
 * How a message leaves unknown without word from Twilio about it.
 *
 * - `absent`: Twilio does not have it; it goes out again
 * - `again`: nobody can say; it goes out again all the same, unless its batch is over: then it is as with `assume`
 * - `assume`: nobody can say; it counts as submitted
 */
export type UnknownExit = "absent" | "again" | "assume";

/**
 * The end of a statement that moves messages out of unknown: status, attempt, event and counts together. The new attempt is
 * due at once and spends no try. Where nobody knows what became of the closed one, it keeps who may have got it and until
 * when: a later look at Twilio's list counts with it.
 *
 * @param unknown a CTE of locked messages: id, tenant_id, batch_id, attempt, error_code, account_id, sender_id, recipient_key,
 *   claimed_at, lease_until, wish (an UnknownExit as text)
 * @param now the parameter with the time
 */
export function leaveUnknown(unknown: string, now: string): string {
  return `
  wished as (
    select u.*, case when b.state = ${BatchState.CANCELED} then ${CANCELED}::smallint
                     when b.expires_at <= ${now} then ${EXPIRED}::smallint end as batch_over
    from ${unknown} u join batch b on b.id = u.batch_id
  ), leaving as materialized (
    select id, tenant_id, batch_id, attempt, error_code, account_id, sender_id, recipient_key, claimed_at, lease_until,
           case when wish = 'again' and batch_over is not null then 'assume' else wish end as exit,
           case when wish = 'absent' then ${EventSource.LIST} else ${EventSource.ASSUMED} end as source,
           case when wish = 'absent' then coalesce(batch_over, ${ACCEPTED}::smallint)
                when wish = 'again' and batch_over is null then ${ACCEPTED}::smallint
                else ${SUBMITTED}::smallint end as new_status
    from wished
  ), left_unknown as (
    update message m
    set status = l.new_status,
        evidence = case when l.exit = 'assume' then ${EventSource.ASSUMED} else m.evidence end,
        claim_token = case when l.exit = 'assume' then m.claim_token end,
        lease_until = case when l.exit = 'assume' then m.lease_until end,
        next_at = case when l.exit = 'assume' then m.next_at else ${now} end,
        reconcile_at = null, absences = 0, error_code = 0, error_message = '', updated_at = ${now}
    from leaving l where m.id = l.id and m.id = any(array(select id from leaving))
    returning m.id
  ), event as (
    insert into message_event (message_id, tenant_id, attempt, status, source, at)
    select id, tenant_id, attempt, new_status, source, ${now} from leaving
    on conflict do nothing
  ), closed as (
    insert into message_attempt (message_id, tenant_id, attempt, account_id, sender_id, error_code, error_message,
                                 claimed_at, closed_at, recipient_key, lease_until)
    select id, tenant_id, attempt, account_id, sender_id, 0, case when exit = 'absent' then 'absent' else 'unknown' end,
           claimed_at, ${now}, case when exit = 'again' then recipient_key end, case when exit = 'again' then lease_until end
    from leaving where exit <> 'assume'
    on conflict do nothing
  ), counted as (
    insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
    select tenant_id, batch_id, status, error_code, sum(n)::int
    from (
      select tenant_id, batch_id, ${UNKNOWN}::smallint as status, counted_error(${UNKNOWN}::smallint, error_code) as error_code, -1 as n
      from leaving
      union all
      select tenant_id, batch_id, new_status, 0, 1 from leaving
    ) moved
    group by tenant_id, batch_id, status, error_code
  )`;
}
