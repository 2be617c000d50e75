import { createHash, randomUUID } from "node:crypto";
import { messageId, newBatchId, recipientKey } from "@wahub/domain";
import { UnknownPolicy } from "@wahub/proto";
import { appendMessages } from "../append-messages.ts";
import type { JsonObject } from "../json.ts";
import { openBatch } from "../open-batch.ts";
import { declareSender } from "../senders.ts";
import { startBatch } from "../start-batch.ts";
import type { Store } from "../store.ts";
import { tenantHashKey } from "../tenants.ts";
import { withTransaction } from "../transaction.ts";

/** What a test wants to say about its batch; all else is made up. */
export interface SampleBatchOptions {
  /** There must be a partition for it. */
  readonly createdAt: Date;
  /** How many recipients, or which (E.164). */
  readonly recipients: number | readonly string[];
  readonly body?: string;
  readonly metadata?: JsonObject;
  /** By recipient. */
  readonly ownMetadata?: Readonly<Record<string, JsonObject>>;
  readonly idempotencyKey?: string;
  readonly id?: string;
  readonly expiresAt?: Date;
  readonly unknownPolicy?: UnknownPolicy;
  readonly validityS?: number;
}

export interface SampleBatch {
  readonly id: string;
  readonly tenantId: string;
  readonly accountId: string;
  readonly senderId: string;
  /** In the order of the recipients. */
  readonly messageIds: readonly string[];
}

/** A Twilio account and a number that do not exist. */
export const sampleSender = {
  accountSid: `AC${"0".repeat(32)}`,
  phone: "+14155550100",
  messagesPerSecond: 80,
} as const;

/** Stores a running batch the way dispatch does, for the default tenant and `sampleSender`. */
export async function storeSampleBatch(store: Store, options: SampleBatchOptions): Promise<SampleBatch> {
  const { createdAt } = options;
  const { tenantId, accountId, senderId } = await declareSender(store, { ...sampleSender, now: createdAt });
  const id = options.id ?? newBatchId(createdAt);
  const tenantKey = await tenantHashKey(store.pool, tenantId);
  const messages = recipientsOf(options.recipients).map((recipient) => {
    const own = options.ownMetadata?.[recipient];
    return {
      id: messageId(tenantKey, id, recipientKey(recipient)),
      recipient,
      recipientKey: recipientKey(recipient),
      recipientHash: createHash("sha256").update(recipientKey(recipient)).digest(),
      metadata: own && JSON.stringify(own),
    };
  });
  const opening = {
    id,
    idempotencyKey: options.idempotencyKey,
    senderId,
    content: JSON.stringify({ text: { body: options.body ?? "Hello" } }),
    metadata: options.metadata && JSON.stringify(options.metadata),
    expiresAt: options.expiresAt,
    unknownPolicy: options.unknownPolicy ?? UnknownPolicy.ASSUME_SENT,
    validityS: options.validityS,
    openingHash: Buffer.from("opening"),
    owner: randomUUID(),
    ownedForMs: 60_000,
  };
  const batch = { ...opening, createdAt };
  await withTransaction(store.pool, async (client) => {
    const opened = await openBatch(client, tenantId, opening);
    if (opened.kind !== "owned") throw new Error(`the idempotency key belongs to batch ${opened.id} already`);
    const progress = { received: messages.length, hash: Buffer.from("all"), rejectedCount: 0, rejected: [] };
    await appendMessages(client, tenantId, batch, messages, progress);
    await startBatch(client, tenantId, batch, createdAt);
  });
  return { id, tenantId, accountId, senderId, messageIds: messages.map((message) => message.id) };
}

function recipientsOf(recipients: number | readonly string[]): readonly string[] {
  if (typeof recipients !== "number") return recipients;
  return Array.from({ length: recipients }, (_, index) => `+1415${String(5_550_000 + index).padStart(7, "0")}`);
}
