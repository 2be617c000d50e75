import { defineEntity, p, type InferEntity } from "@mikro-orm/core";

/** An attempt that is over; the current one stands on the message. */
export const MessageAttempt = defineEntity({
  name: "MessageAttempt",
  tableName: "message_attempt",
  comment: "Attempts that are over, kept when a message goes back for another; partitioned like message",
  properties: {
    messageId: p.uuid().primary(),
    tenantId: p.uuid(),
    attempt: p.integer().primary(),
    accountId: p.uuid().nullable(),
    senderId: p.uuid(),
    twilioSid: p.text().nullable(),
    errorCode: p.integer(),
    errorMessage: p.text(),
    claimedAt: p.datetime().nullable(),
    closedAt: p.datetime(),
    /** Where nobody knows whether Twilio took it: who may have got it. */
    recipientKey: p.text().nullable(),
    /** There: when at the latest the request had ended. */
    leaseUntil: p.datetime().nullable(),
  },
  indexes: [
    { name: "message_attempt_twilio_sid", properties: ["twilioSid"], where: "twilio_sid is not null" },
    { name: "message_attempt_open", properties: ["senderId", "recipientKey"], where: "recipient_key is not null" },
  ],
});

export type MessageAttempt = InferEntity<typeof MessageAttempt>;
