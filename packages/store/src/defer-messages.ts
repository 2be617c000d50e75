import { MessageStatus } from "@wahub/proto";
import type { Queryable } from "./queryable.ts";
import { repeatAfterDeadlock } from "./transaction.ts";

/** A queued message that has to wait longer than a sender should hold it. */
export interface Deferral {
  readonly tenantId: string;
  readonly messageId: string;
  /** The attempt its job allowed. */
  readonly attempt: number;
  /** The earliest time of its next turn. */
  readonly nextAt: Date;
}

/**
 * Puts queued messages back to accepted until `nextAt`. Waiting is not failing: no try is spent and no attempt is made.
 * A message that has moved on meanwhile is left alone.
 *
 * @returns for each deferral whether it was applied
 */
export async function deferMessages(pool: Queryable, deferrals: readonly Deferral[], now: Date): Promise<boolean[]> {
  const { rows } = await repeatAfterDeadlock(() =>
    pool.query<{ id: string }>({
      name: "defer-messages",
      text: deferStatement,
      values: [
        deferrals.map((d) => d.tenantId),
        deferrals.map((d) => d.messageId),
        deferrals.map((d) => d.attempt),
        deferrals.map((d) => d.nextAt),
        now,
      ],
    }),
  );
  const applied = new Set(rows.map((row) => row.id));
  return deferrals.map((d) => applied.has(d.messageId));
}

const deferStatement = `
  with deferral as (
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[]) as d(tenant_id, id, attempt, next_at)
  ), due as materialized (
    select m.id, m.tenant_id, m.batch_id, d.next_at
    from message m join deferral d on d.id = m.id and d.tenant_id = m.tenant_id
    where m.id = any($2::uuid[]) and m.status = ${MessageStatus.QUEUED} and m.attempt = d.attempt - 1
    order by m.id
    for no key update of m
  ), deferred as (
    update message m set status = ${MessageStatus.ACCEPTED}, next_at = due.next_at, updated_at = $5
    from due where m.id = due.id
    returning m.id, m.tenant_id, m.batch_id
  ), counted as (
    insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
    select tenant_id, batch_id, v.status, 0, v.sign * count(*)::int
    from deferred
    cross join (values (${MessageStatus.QUEUED}::smallint, -1), (${MessageStatus.ACCEPTED}::smallint, 1)) as v(status, sign)
    group by tenant_id, batch_id, v.status, v.sign
  )
  select id from deferred`;
