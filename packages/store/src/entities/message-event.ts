import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import type { EventSource, MessageStatus } from "@wahub/proto";

/** One thing learned about a message. The primary key makes a repeated callback the same event. */
export const MessageEvent = defineEntity({
  name: "MessageEvent",
  tableName: "message_event",
  comment: "Everything learned about a message, each fact once; partitioned like message",
  properties: {
    messageId: p.uuid().primary(),
    tenantId: p.uuid(),
    attempt: p.integer().primary(),
    status: p.smallint().$type<MessageStatus>().primary(),
    twilioSid: p.text().default("").primary(),
    errorCode: p.integer().default(0).primary(),
    source: p.smallint().$type<EventSource>(),
    at: p.datetime(),
    detail: p.json().$type<Record<string, unknown>>().nullable(),
  },
});

export type MessageEvent = InferEntity<typeof MessageEvent>;
