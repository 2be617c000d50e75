import { BatchState, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { withTransaction } from "./transaction.ts";

/** A message whose turn it is: what a job needs to know of it. */
export interface PlannedMessage {
  readonly tenantId: string;
  readonly messageId: string;
  /** The attempt that may be made now. */
  readonly attempt: number;
  readonly senderId: string;
  readonly messagesPerSecond: number;
  readonly recipientHash: Buffer;
}

/** Most batches of one sender that share a round; the others' turn comes as these advance. */
const maxBatchesPerRound = 32;

/** Senders that have something to plan or to watch. Serves all tenants. */
export async function sendersWithWork(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select s.id from sender s join account a on a.id = s.account_id
     where s.state = 1 and a.state = 1
       and exists (select from batch b where b.sender_id = s.id and b.state = $1)`,
    [BatchState.RUNNING],
  );
  return rows.map((row) => row.id);
}

/**
 * Moves the sender's due messages from accepted to queued, as many as fill its inventory to `horizonMs` of its speed,
 * taking turns between its batches. Safe in many replicas: whoever holds the sender's row plans, the others get nothing.
 *
 * @param now decides what is due
 * @returns the messages to hand out; when handing out fails they are offered again by `reofferQueued`
 */
export async function planSender(
  pool: Pool,
  senderId: string,
  options: { now: Date; horizonMs: number },
): Promise<PlannedMessage[]> {
  return withTransaction(pool, async (client) => {
    const sender = await lockSender(client, senderId);
    if (!sender) return [];
    const room = Math.ceil((sender.messagesPerSecond * options.horizonMs) / 1000) - (await inventory(client, senderId));
    if (room <= 0) return [];
    const ids = await chooseDue(client, senderId, options.now, room);
    if (ids.length === 0) return [];
    return queueMessages(client, senderId, sender.messagesPerSecond, ids, options.now);
  });
}

/**
 * Messages of the sender that were queued before `queuedBefore` and have not been claimed since: their jobs may be
 * lost. They are offered again and marked, so the next round leaves them alone for a while.
 */
export async function reofferQueued(
  pool: Pool,
  senderId: string,
  options: { now: Date; queuedBefore: Date; limit: number },
): Promise<PlannedMessage[]> {
  return withTransaction(pool, async (client) => {
    const sender = await lockSender(client, senderId);
    if (!sender) return [];
    const { rows } = await client.query<PlannedRow>(
      `with stale as (
         select id from message
         where sender_id = $1 and status = $2 and updated_at < $3
         order by id limit $4 for update skip locked
       )
       update message m set updated_at = $5 from stale where m.id = stale.id
       returning m.tenant_id, m.id, m.attempt, m.recipient_hash`,
      [senderId, MessageStatus.QUEUED, options.queuedBefore, options.limit, options.now],
    );
    return rows.map((row) => plannedMessage(row, senderId, sender.messagesPerSecond));
  });
}

/** The sender under a row lock, or undefined where another replica has it or it is paused. */
async function lockSender(client: PoolClient, senderId: string): Promise<{ messagesPerSecond: number } | undefined> {
  const { rows } = await client.query<{ messages_per_second: number }>(
    `select s.messages_per_second from sender s join account a on a.id = s.account_id
     where s.id = $1 and s.state = 1 and a.state = 1
     for no key update of s skip locked`,
    [senderId],
  );
  return rows[0] && { messagesPerSecond: rows[0].messages_per_second };
}

async function inventory(client: PoolClient, senderId: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `select count(*)::int as n from message where sender_id = $1 and status = $2`,
    [senderId, MessageStatus.QUEUED],
  );
  return rows[0]!.n;
}

/**
 * Fair queueing: each batch's virtual time is the number of messages it has had; the messages with the earliest
 * virtual finish go first. Batches without due messages take no place: they may run, and lag behind, for days. The id
 * range keeps the look-up of a batch to its own partition.
 */
async function chooseDue(client: PoolClient, senderId: string, now: Date, room: number): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select due.id
     from (select id, virtual_time, first_id, last_id
           from batch
           cross join lateral (
             select (left(id::text, 13) || '-0000-0000-000000000000')::uuid as first_id,
                    (left(id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid as last_id) range
           where sender_id = $1 and state = $2
             and exists (select from message m
                         where m.batch_id = batch.id and m.status = $4 and m.next_at <= $5
                           and m.id between first_id and last_id)
           order by virtual_time limit $3) b
     cross join lateral (
       select m.id, b.virtual_time + row_number() over (order by m.next_at, m.id) as finish
       from message m
       where m.batch_id = b.id and m.status = $4 and m.next_at <= $5 and m.id between b.first_id and b.last_id
       order by m.next_at, m.id limit $6) due
     order by due.finish, due.id limit $6`,
    [senderId, BatchState.RUNNING, maxBatchesPerRound, MessageStatus.ACCEPTED, now, room],
  );
  return rows.map((row) => row.id);
}

interface PlannedRow {
  tenant_id: string;
  id: string;
  attempt: number;
  recipient_hash: Buffer;
}

async function queueMessages(
  client: PoolClient,
  senderId: string,
  messagesPerSecond: number,
  ids: readonly string[],
  now: Date,
): Promise<PlannedMessage[]> {
  const { rows } = await client.query<PlannedRow>(
    `with due as materialized (
       select m.id, m.tenant_id, m.batch_id from message m
       where m.id = any($1::uuid[]) and m.status = $2
       order by m.id for update
     ), planned as (
       update message m set status = $3, updated_at = $4
       from due where m.id = due.id
       returning m.tenant_id, m.id, m.attempt, m.recipient_hash
     ), moved as (
       select tenant_id, batch_id, count(*)::int as n from due group by tenant_id, batch_id
     ), counted as (
       insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
       select tenant_id, batch_id, v.status, 0, v.sign * n
       from moved cross join (values ($2::smallint, -1), ($3::smallint, 1)) as v(status, sign)
     ), advanced as (
       update batch b set virtual_time = b.virtual_time + moved.n from moved where b.id = moved.batch_id
     )
     select tenant_id, id, attempt, recipient_hash from planned`,
    [ids, MessageStatus.ACCEPTED, MessageStatus.QUEUED, now],
  );
  return rows.map((row) => plannedMessage(row, senderId, messagesPerSecond));
}

function plannedMessage(row: PlannedRow, senderId: string, messagesPerSecond: number): PlannedMessage {
  return {
    tenantId: row.tenant_id,
    messageId: row.id,
    attempt: row.attempt + 1,
    senderId,
    messagesPerSecond,
    recipientHash: row.recipient_hash,
  };
}
