import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import type { BatchState, UnknownPolicy } from "@wahub/proto";
import { Sender } from "./sender.ts";
import { Tenant } from "./tenant.ts";

/** One BulkSend: what its messages have in common, and how far it is. */
export const Batch = defineEntity({
  name: "Batch",
  tableName: "batch",
  comment: "One BulkSend each: what its messages have in common, and how far it is",
  properties: {
    id: p.uuid().primary(),
    tenantId: () => p.manyToOne(Tenant).mapToPk().fieldName("tenant_id").foreignKeyName("batch_tenant_id_fkey"),
    idempotencyKey: p.text().nullable(),
    state: p.smallint().$type<BatchState>(),
    /** While accepting: the call that stores its recipients, and until when without a sign of life of it. */
    owner: p.uuid().nullable(),
    ownedUntil: p.datetime().nullable(),
    /** Recipients read so far, bad and repeated ones included, and the content hash after them. */
    received: p.integer().default(0),
    intakeHash: p.blob().$type<Buffer>(),
    senderId: () => p.manyToOne(Sender).mapToPk().fieldName("sender_id").foreignKeyName("batch_sender_id_fkey"),
    /** Proto JSON of whatsapphub.v1.Content. */
    content: p.json().$type<Record<string, unknown>>(),
    /** For messages without their own. */
    metadata: p.json().$type<Record<string, unknown>>().nullable(),
    total: p.integer().default(0),
    rejectedCount: p.integer().default(0),
    rejected: p.json().$type<unknown[]>().defaultRaw("'[]'"),
    /** Fairness among the batches of a sender. */
    virtualTime: p.double().default(0),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    completedAt: p.datetime().nullable(),
    settledAt: p.datetime().nullable(),
    /** What to do where nobody can say whether Twilio took a message. */
    unknownPolicy: p.smallint().$type<UnknownPolicy>().default(1),
    /** With policy resend: seconds after which Twilio gives a message up; sent along with each. */
    validityS: p.integer().nullable(),
    /** Nothing is sent from then on. */
    expiresAt: p.datetime().nullable(),
    /** Twilio's code that paused it; 0 for none. */
    pauseCode: p.integer().default(0),
    pauseReason: p.text().default(""),
    pausedAt: p.datetime().nullable(),
    canceledAt: p.datetime().nullable(),
  },
  uniques: [
    {
      name: "batch_idempotency_key",
      properties: ["tenantId", "idempotencyKey"],
      where: "idempotency_key is not null",
    },
  ],
  indexes: [
    { name: "batch_running", properties: ["senderId"], where: "state = 2" },
    { name: "batch_paused", properties: ["pauseCode"], where: "state = 5" },
    { name: "batch_expiring", properties: ["expiresAt"], where: "state in (2, 5) and expires_at is not null" },
    { name: "batch_canceling", properties: ["id"], where: "state = 6 and completed_at is null" },
    { name: "batch_accepting", properties: ["ownedUntil"], where: "state = 1" },
    { name: "batch_discarding", properties: ["id"], where: "state = 4" },
    { name: "batch_settled", properties: ["settledAt"], where: "settled_at is not null" },
    { name: "batch_unsettled", properties: ["completedAt"], where: "completed_at is not null and settled_at is null" },
  ],
});

export type Batch = InferEntity<typeof Batch>;
