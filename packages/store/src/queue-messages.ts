import { BatchState, MessageStatus } from "@wahub/proto";
import type { PoolClient } from "pg";
import type { DueMessage } from "./choose-due.ts";
import type { LockedSender } from "./lock-sender.ts";
import { plannedColumns, toPlanned, type PlannedMessage, type PlannedRow } from "./planned-message.ts";

/** Moves messages from accepted to queued, as far as their batches still run, and the batches' turns on. */
export async function queueMessages(
  client: PoolClient,
  sender: LockedSender,
  due: readonly DueMessage[],
  now: Date,
): Promise<PlannedMessage[]> {
  if (due.length === 0) return [];
  const running = await advance(client, sender, due);
  const ids = due.filter((message) => running.has(message.batch_id)).map((message) => message.id);
  const { rows } = await client.query<PlannedRow>(
    `with due as materialized (
       select m.id, m.tenant_id, m.batch_id from message m
       where m.id = any($1::uuid[]) and m.status = $2
       order by m.id for no key update
     ), planned as (
       update message m set status = $3, updated_at = $4
       from due where m.id = due.id
       returning ${plannedColumns}
     ), moved as (
       select tenant_id, batch_id, count(*)::int as n from due group by tenant_id, batch_id
     ), counted as (
       insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
       select tenant_id, batch_id, v.status, 0, v.sign * n
       from moved cross join (values ($2::smallint, -1), ($3::smallint, 1)) as v(status, sign)
     )
     select tenant_id, id, attempt, recipient_hash from planned`,
    [ids, MessageStatus.ACCEPTED, MessageStatus.QUEUED, now],
  );
  return rows.map((row) => toPlanned(row, sender));
}

/**
 * Moves the virtual times on, past what has been chosen.
 *
 * @returns the batches that still run, now under their row locks: whoever pauses one next sees what is queued of it
 */
async function advance(client: PoolClient, sender: LockedSender, due: readonly DueMessage[]): Promise<Set<string>> {
  const finishes = new Map(due.map((message) => [message.batch_id, message.finish]));
  const { rows } = await client.query<{ id: string }>(
    `update batch b set virtual_time = v.finish
     from unnest($1::uuid[], $2::float8[]) as v(id, finish) where b.id = v.id and b.state = ${BatchState.RUNNING}
     returning b.id`,
    [[...finishes.keys()], [...finishes.values()]],
  );
  await client.query("update sender set virtual_time = $2 where id = $1", [sender.id, due.at(-1)!.finish - 1]);
  return new Set(rows.map((row) => row.id));
}
