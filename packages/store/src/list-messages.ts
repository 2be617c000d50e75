import { messageIdRange } from "@wahub/domain";
import type { MessageStatus } from "@wahub/proto";
import type { Queryable } from "./queryable.ts";
import {
  messageColumns,
  toStoredMessage,
  type BatchContentRow,
  type MessageRow,
  type StoredMessage,
} from "./stored-message.ts";

/** Which messages of a batch to list. */
export interface MessageFilter {
  readonly batchId: string;
  /** Only messages that stand in one of these; empty for all. */
  readonly statuses: readonly MessageStatus[];
  /** Only messages behind this id: the last one of the page before. */
  readonly after?: string | undefined;
  /** Most messages of the page. */
  readonly limit: number;
}

export interface MessagePage {
  readonly messages: readonly StoredMessage[];
  /** Where the next page begins: behind this id. Undefined where there is none. */
  readonly next: string | undefined;
}

/** Messages that are looked at for one page. Of a million the few that failed are found in fifty short calls. */
const scanLimit = 20_000;

/**
 * A page of a batch's messages in the order of their ids, or undefined where the tenant has no such batch. The id of a
 * message never changes and its batch is stored in one go, so whoever follows `next` to the end sees each message once.
 * There is no index on the status: where few messages stand in one, a page may hold fewer than its limit, or none, and
 * there is a next one all the same.
 */
export async function listMessages(
  pool: Queryable,
  tenantId: string,
  filter: MessageFilter,
  options: { scanLimit: number } = { scanLimit },
): Promise<MessagePage | undefined> {
  // What all messages have in common travels once, not once per row.
  const batches = await pool.query<BatchContentRow>(
    "select content, metadata as batch_metadata from batch where tenant_id = $1 and id = $2",
    [tenantId, filter.batchId],
  );
  const [batch] = batches.rows;
  if (!batch) return undefined;
  const { rows } = await pool.query<MessageRow>(listMessagesSql, listMessagesValues(tenantId, filter, options));
  const messages = rows.slice(0, filter.limit).map((row) => toStoredMessage(row, batch));
  if (rows.length > filter.limit) return { messages, next: messages.at(-1)!.id };
  return { messages, next: await endOfScan(pool, tenantId, filter, options) };
}

/** The last id that was looked at, where there may be more behind it. */
async function endOfScan(
  pool: Queryable,
  tenantId: string,
  filter: MessageFilter,
  options: { scanLimit: number },
): Promise<string | undefined> {
  if (filter.statuses.length === 0) return undefined;
  const { rows } = await pool.query<{ id: string }>(
    `select m.id from message m where ${inBatch} order by m.id offset $6 limit 1`,
    [...rangeOf(tenantId, filter), options.scanLimit - 1],
  );
  return rows[0]?.id;
}

/**
 * The ids of a batch's messages begin with the batch's own time. Their range makes the primary key the index of the
 * batch and leads to a single partition; batch_id only tells apart batches of the same millisecond.
 */
const inBatch = `m.tenant_id = $1 and m.batch_id = $2 and m.id >= $3 and m.id <= $4 and ($5::uuid is null or m.id > $5)`;

function rangeOf(tenantId: string, filter: MessageFilter): unknown[] {
  const { first, last } = messageIdRange(filter.batchId);
  return [tenantId, filter.batchId, first, last, filter.after ?? null];
}

/** One more than the page holds tells whether there is another. */
export const listMessagesSql = `select ${messageColumns}
   from (select * from message m where ${inBatch} order by m.id limit $8) m
  where $6::smallint[] is null or m.status = any ($6)
  order by m.id
  limit $7`;

export function listMessagesValues(
  tenantId: string,
  filter: MessageFilter,
  options: { scanLimit: number } = { scanLimit },
): unknown[] {
  const statuses = filter.statuses.length > 0 ? filter.statuses : null;
  return [...rangeOf(tenantId, filter), statuses, filter.limit + 1, options.scanLimit];
}
