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
  readonly limit: number;
}

/**
 * A page of a batch's messages in the order of their ids, or undefined where the tenant has no such batch. The id of a
 * message never changes and its batch is stored in one go, so whoever follows `after` to the end sees each message once.
 */
export async function listMessages(
  pool: Queryable,
  tenantId: string,
  filter: MessageFilter,
): Promise<StoredMessage[] | undefined> {
  // What all messages have in common travels once, not once per row.
  const batches = await pool.query<BatchContentRow>(
    "select content, metadata as batch_metadata from batch where tenant_id = $1 and id = $2",
    [tenantId, filter.batchId],
  );
  const [batch] = batches.rows;
  if (!batch) return undefined;
  const { rows } = await pool.query<MessageRow>(listMessagesSql, listMessagesValues(tenantId, filter));
  return rows.map((row) => toStoredMessage(row, batch));
}

/**
 * The ids of a batch's messages begin with the batch's own time. Their range makes the primary key the index of the
 * batch and leads to a single partition; batch_id only tells apart batches of the same millisecond.
 */
export const listMessagesSql = `select ${messageColumns}
   from message m
  where m.tenant_id = $1 and m.batch_id = $2
    and m.id >= $3 and m.id <= $4
    and ($5::uuid is null or m.id > $5)
    and ($6::smallint[] is null or m.status = any ($6))
  order by m.id
  limit $7`;

export function listMessagesValues(tenantId: string, filter: MessageFilter): unknown[] {
  const { first, last } = messageIdRange(filter.batchId);
  const statuses = filter.statuses.length > 0 ? filter.statuses : null;
  return [tenantId, filter.batchId, first, last, filter.after ?? null, statuses, filter.limit];
}
