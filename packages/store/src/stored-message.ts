import type { ContentJson, EventSource, MessageStatus } from "@wahub/proto";
import type { JsonObject } from "./json.ts";

/** A message as readers see it: its row, and what it takes from its batch. */
export interface StoredMessage {
  readonly id: string;
  readonly batchId: string;
  /** E.164. */
  readonly recipient: string;
  readonly content: ContentJson;
  /** Its own, or else the batch's. */
  readonly metadata: JsonObject | undefined;
  readonly status: MessageStatus;
  readonly attempt: number;
  /** The earliest time of the next attempt; means something only while the message waits. */
  readonly nextAt: Date;
  readonly twilioSid: string | undefined;
  /** How the SID was learned; ASSUMED where there is none. */
  readonly evidence: EventSource;
  /** 0 for none. */
  readonly errorCode: number;
  readonly errorMessage: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly submittedAt: Date | undefined;
  readonly sentAt: Date | undefined;
  readonly deliveredAt: Date | undefined;
  readonly readAt: Date | undefined;
  readonly failedAt: Date | undefined;
}

/** What a message takes from its batch. */
export interface BatchContentRow {
  content: ContentJson;
  batch_metadata: JsonObject | null;
}

/** The columns of `messageColumns` as pg returns them. */
export interface MessageRow {
  id: string;
  batch_id: string;
  recipient: string;
  metadata: JsonObject | null;
  status: MessageStatus;
  attempt: number;
  next_at: Date;
  twilio_sid: string | null;
  evidence: EventSource;
  error_code: number;
  error_message: string;
  created_at: Date;
  updated_at: Date;
  submitted_at: Date | null;
  sent_at: Date | null;
  delivered_at: Date | null;
  read_at: Date | null;
  failed_at: Date | null;
}

/** The columns readers need, of a table called `m`. */
export const messageColumns = `m.id, m.batch_id, m.recipient, m.metadata, m.status, m.attempt, m.next_at, m.twilio_sid,
  m.evidence, m.error_code, m.error_message, m.created_at, m.updated_at, m.submitted_at, m.sent_at, m.delivered_at, m.read_at,
  m.failed_at`;

export function toStoredMessage(row: MessageRow, batch: BatchContentRow): StoredMessage {
  return {
    id: row.id,
    batchId: row.batch_id,
    recipient: row.recipient,
    content: batch.content,
    metadata: row.metadata ?? batch.batch_metadata ?? undefined,
    status: row.status,
    attempt: row.attempt,
    nextAt: row.next_at,
    twilioSid: row.twilio_sid ?? undefined,
    evidence: row.evidence,
    errorCode: row.error_code,
    errorMessage: row.error_message,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    submittedAt: row.submitted_at ?? undefined,
    sentAt: row.sent_at ?? undefined,
    deliveredAt: row.delivered_at ?? undefined,
    readAt: row.read_at ?? undefined,
    failedAt: row.failed_at ?? undefined,
  };
}
