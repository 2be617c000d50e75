import { fromJson, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import { ContentSchema, MessageStatus, type MessageSchema, type TimelineEventSchema } from "@wahub/proto";
import type { StoredEvent, StoredMessage } from "@wahub/store";

/** A stored message as the API shows it: its text as the recipient sees it, and times only where something happened. */
export function toMessage(message: StoredMessage): MessageInitShape<typeof MessageSchema> {
  return {
    id: message.id,
    batchId: message.batchId,
    recipient: message.recipient,
    messageContent: textOf(message.content),
    twilioSid: message.twilioSid ?? "",
    status: message.status,
    evidence: message.evidence,
    errorCode: message.errorCode,
    errorMessage: message.errorMessage,
    metadata: message.metadata,
    attempt: message.attempt,
    createdAt: timestampFromDate(message.createdAt),
    updatedAt: timestampFromDate(message.updatedAt),
    submittedAt: timestamp(message.submittedAt),
    sentAt: timestamp(message.sentAt),
    deliveredAt: timestamp(message.deliveredAt),
    readAt: timestamp(message.readAt),
    failedAt: timestamp(message.failedAt),
    nextAttemptAt: message.status === MessageStatus.ACCEPTED ? timestampFromDate(message.nextAt) : undefined,
  };
}

/** A stored event as the API shows it. */
export function toTimelineEvent(event: StoredEvent): MessageInitShape<typeof TimelineEventSchema> {
  return { ...event, at: timestampFromDate(event.at) };
}

function textOf(content: StoredMessage["content"]): string {
  const { kind } = fromJson(ContentSchema, content, { ignoreUnknownFields: true });
  return kind.case === "text" ? kind.value.body : "";
}

function timestamp(at: Date | undefined): Timestamp | undefined {
  return at && timestampFromDate(at);
}
