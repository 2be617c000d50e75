import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import type { MessageStatus } from "@wahub/proto";

/** A signed callback of a message we do not know. Kept until it expires. */
export const OrphanCallback = defineEntity({
  name: "OrphanCallback",
  tableName: "orphan_callback",
  comment: "Signed callbacks of messages the hub does not know, until they expire",
  properties: {
    id: p.uuid().primary(),
    tenantId: p.uuid().nullable(),
    accountSid: p.text(),
    twilioSid: p.text(),
    messageId: p.uuid().nullable(),
    attempt: p.integer().nullable(),
    status: p.smallint().$type<MessageStatus>(),
    errorCode: p.integer().default(0),
    detail: p.json().$type<Record<string, unknown>>().nullable(),
    receivedAt: p.datetime(),
    expiresAt: p.datetime(),
  },
  indexes: [
    { name: "orphan_callback_twilio_sid", properties: ["twilioSid"] },
    { name: "orphan_callback_expires_at", properties: ["expiresAt"] },
  ],
});

export type OrphanCallback = InferEntity<typeof OrphanCallback>;
