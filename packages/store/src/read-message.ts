import type { EventSource, MessageStatus } from "@wahub/proto";
import type { Queryable } from "./queryable.ts";
import {
  messageColumns,
  toStoredMessage,
  type BatchContentRow,
  type MessageRow,
  type StoredMessage,
} from "./stored-message.ts";

/** One message of a tenant, or undefined where there is none of that id. The id alone finds the partition. */
export async function readMessage(
  pool: Queryable,
  tenantId: string,
  messageId: string,
): Promise<StoredMessage | undefined> {
  const { rows } = await pool.query<MessageRow & BatchContentRow>(
    `select ${messageColumns}, b.content, b.metadata as batch_metadata
       from message m join batch b on b.id = m.batch_id
      where m.tenant_id = $1 and m.id = $2`,
    [tenantId, messageId],
  );
  const [row] = rows;
  return row && toStoredMessage(row, row);
}

/** One step in a message's life, as it was learned. */
export interface StoredEvent {
  readonly at: Date;
  readonly status: MessageStatus;
  readonly attempt: number;
  readonly source: EventSource;
  /** Empty where there was none yet. */
  readonly twilioSid: string;
  /** 0 for none. */
  readonly errorCode: number;
}

interface EventRow {
  at: Date;
  status: MessageStatus;
  attempt: number;
  source: EventSource;
  twilio_sid: string;
  error_code: number;
}

/** Everything learned about one message of a tenant, oldest first; by rank where two happened at once. */
export async function readTimeline(pool: Queryable, tenantId: string, messageId: string): Promise<StoredEvent[]> {
  const { rows } = await pool.query<EventRow>(
    `select at, status, attempt, source, twilio_sid, error_code
       from message_event
      where tenant_id = $1 and message_id = $2
      order by at, status, attempt, twilio_sid, error_code`,
    [tenantId, messageId],
  );
  return rows.map((row) => ({
    at: row.at,
    status: row.status,
    attempt: row.attempt,
    source: row.source,
    twilioSid: row.twilio_sid,
    errorCode: row.error_code,
  }));
}
