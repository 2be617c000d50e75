import { defineEntity, p, type InferEntity } from "@mikro-orm/core";

/** A SID beyond the first of an attempt. */
export const DuplicateSid = defineEntity({
  name: "DuplicateSid",
  tableName: "duplicate_sid",
  comment: "SIDs beyond the first of an attempt: the recipient may have got the message twice",
  properties: {
    twilioSid: p.text().primary(),
    tenantId: p.uuid(),
    messageId: p.uuid(),
    attempt: p.integer(),
    seenAt: p.datetime(),
  },
  indexes: [{ name: "duplicate_sid_message_id", properties: ["messageId"] }],
});

export type DuplicateSid = InferEntity<typeof DuplicateSid>;
