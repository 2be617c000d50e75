import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import type { EventSource, MessageStatus } from "@wahub/proto";

/** In which queue a message waits. The numbers are stored; they never change. */
export const lane = { urgent: 1, bulk: 2 } as const;

/**
 * One message to one recipient, its current attempt inline. Partitioned by the time in its id. No foreign keys: rows
 * are written many thousands at a time, by code that has just written the batch.
 */
export const Message = defineEntity({
  name: "Message",
  tableName: "message",
  comment: "One message to one recipient, with its current attempt; partitioned by week of the batch",
  properties: {
    id: p.uuid().primary(),
    tenantId: p.uuid(),
    batchId: p.uuid(),
    /** E.164. */
    recipient: p.text(),
    /** The number with the aliases of one country folded: who is the same person. */
    recipientKey: p.text(),
    /** Keyed hash of the recipient key. */
    recipientHash: p.blob().$type<Buffer>(),
    metadata: p.json().$type<Record<string, unknown>>().nullable(),
    status: p.smallint().$type<MessageStatus>(),
    lane: p.smallint().default(lane.bulk),
    /** Fence: one more on every claim. */
    attempt: p.integer().default(0),
    /** Budget: one more on every passing failure. */
    tries: p.smallint().default(0),
    nextAt: p.datetime(),
    claimToken: p.uuid().nullable(),
    claimedAt: p.datetime().nullable(),
    leaseUntil: p.datetime().nullable(),
    accountId: p.uuid().nullable(),
    senderId: p.uuid(),
    twilioSid: p.text().nullable(),
    /** How the SID was learned: 0 for not yet. */
    evidence: p.smallint().$type<EventSource>().default(0),
    errorCode: p.integer().default(0),
    errorMessage: p.text().default(""),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    submittedAt: p.datetime().nullable(),
    sentAt: p.datetime().nullable(),
    deliveredAt: p.datetime().nullable(),
    readAt: p.datetime().nullable(),
    failedAt: p.datetime().nullable(),
    /** While unknown: when Twilio is asked next; null where a person decides. */
    reconcileAt: p.datetime().nullable(),
    /** While unknown: how often Twilio's list has not had it. */
    absences: p.smallint().default(0),
    /** While unknown: since when Twilio was asked and gave no list; null where it was not asked yet, or gave one last. */
    unlistedSince: p.datetime().nullable(),
  },
  indexes: [
    { name: "message_accepted", properties: ["batchId", "nextAt", "id"], where: "status = 1" },
    { name: "message_queued", properties: ["senderId", "updatedAt"], where: "status = 2" },
    { name: "message_sending", properties: ["leaseUntil"], where: "status = 3" },
    { name: "message_unresolved", properties: ["reconcileAt"], where: "status = 4" },
    { name: "message_unknown", properties: ["senderId", "recipientKey"], where: "status = 4" },
    { name: "message_assumed", properties: ["batchId"], where: "evidence = 5" },
    { name: "message_assumed_recipient", properties: ["senderId", "recipientKey"], where: "evidence = 5" },
    { name: "message_twilio_sid", properties: ["twilioSid"], where: "twilio_sid is not null" },
  ],
});

export type Message = InferEntity<typeof Message>;
