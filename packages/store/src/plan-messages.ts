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
    const due = await chooseDue(client, sender, options.now, room);
    if (due.length === 0) return [];
    const running = await advance(client, sender, due);
    return queueMessages(
      client,
      sender,
      due.filter((message) => running.has(message.batch_id)),
      options.now,
    );
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
    return rows.map((row) => plannedMessage(row, sender));
  });
}

interface LockedSender {
  readonly id: string;
  readonly messagesPerSecond: number;
  readonly virtualTime: number;
}

/** The sender under a row lock, or undefined where another replica has it or it is paused. */
async function lockSender(client: PoolClient, senderId: string): Promise<LockedSender | undefined> {
  const { rows } = await client.query<{ messages_per_second: number; virtual_time: number }>(
    `select s.messages_per_second, s.virtual_time from sender s join account a on a.id = s.account_id
     where s.id = $1 and s.state = 1 and a.state = 1
     for no key update of s skip locked`,
    [senderId],
  );
  const [row] = rows;
  return row && { id: senderId, messagesPerSecond: row.messages_per_second, virtualTime: row.virtual_time };
}

async function inventory(client: PoolClient, senderId: string): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `select count(*)::int as n from message where sender_id = $1 and status = $2`,
    [senderId, MessageStatus.QUEUED],
  );
  return rows[0]!.n;
}

interface DueMessage {
  id: string;
  batch_id: string;
  /** The batch's virtual time once this message has gone. */
  finish: number;
}

/**
 * Start-time fair queueing. A batch's virtual time counts the messages it has had; the sender's is where the planner is.
 * A batch that is new, or had nothing due for a while, begins at the sender's: it neither waits behind the others' past
 * nor catches up on its own. The earliest virtual finish goes first. The id range keeps the look-up of a batch to its own
 * partition.
 */
async function chooseDue(client: PoolClient, sender: LockedSender, now: Date, room: number): Promise<DueMessage[]> {
  const { rows } = await client.query<DueMessage>(
    `select due.id, b.id as batch_id, due.finish
     from (select id, greatest(virtual_time, $7) as start, first_id, last_id
           from batch
           cross join lateral (
             select (left(id::text, 13) || '-0000-0000-000000000000')::uuid as first_id,
                    (left(id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid as last_id) range
           where sender_id = $1 and state = $2
             and exists (select from message m
                         where m.batch_id = batch.id and m.status = $4 and m.next_at <= $5
                           and m.id between first_id and last_id)
           order by start, id limit $3) b
     cross join lateral (
       select m.id, b.start + row_number() over (order by m.next_at, m.id) as finish
       from message m
       where m.batch_id = b.id and m.status = $4 and m.next_at <= $5 and m.id between b.first_id and b.last_id
       order by m.next_at, m.id limit $6) due
     order by due.finish, due.id limit $6`,
    [sender.id, BatchState.RUNNING, maxBatchesPerRound, MessageStatus.ACCEPTED, now, room, sender.virtualTime],
  );
  return rows;
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
     from unnest($1::uuid[], $2::float8[]) as v(id, finish) where b.id = v.id and b.state = $3
     returning b.id`,
    [[...finishes.keys()], [...finishes.values()], BatchState.RUNNING],
  );
  await client.query("update sender set virtual_time = $2 where id = $1", [sender.id, due.at(-1)!.finish - 1]);
  return new Set(rows.map((row) => row.id));
}

interface PlannedRow {
  tenant_id: string;
  id: string;
  attempt: number;
  recipient_hash: Buffer;
}

async function queueMessages(
  client: PoolClient,
  sender: LockedSender,
  due: readonly DueMessage[],
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
     )
     select tenant_id, id, attempt, recipient_hash from planned`,
    [due.map((message) => message.id), MessageStatus.ACCEPTED, MessageStatus.QUEUED, now],
  );
  return rows.map((row) => plannedMessage(row, sender));
}

function plannedMessage(row: PlannedRow, sender: LockedSender): PlannedMessage {
  return {
    tenantId: row.tenant_id,
    messageId: row.id,
    attempt: row.attempt + 1,
    senderId: sender.id,
    messagesPerSecond: sender.messagesPerSecond,
    recipientHash: row.recipient_hash,
  };
}
