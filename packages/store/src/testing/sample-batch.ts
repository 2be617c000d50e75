import { createHash } from "node:crypto";
import { messageId, newBatchId, recipientKey } from "@wahub/domain";
import { acceptBatch } from "../accept-batch.ts";
import type { JsonObject } from "../json.ts";
import { declareSender } from "../senders.ts";
import type { Store } from "../store.ts";

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
  const messages = recipientsOf(options.recipients).map((recipient) => {
    const own = options.ownMetadata?.[recipient];
    return {
      id: messageId(id, recipientKey(recipient)),
      recipient,
      recipientKey: recipientKey(recipient),
      recipientHash: createHash("sha256").update(recipientKey(recipient)).digest(),
      metadata: own && JSON.stringify(own),
    };
  });
  const batch = {
    id,
    idempotencyKey: options.idempotencyKey,
    contentHash: createHash("sha256")
      .update(options.body ?? "")
      .digest(),
    senderId,
    content: JSON.stringify({ text: { body: options.body ?? "Hello" } }),
    metadata: options.metadata && JSON.stringify(options.metadata),
    rejectedCount: 0,
    rejected: [],
    createdAt,
  };
  const acceptance = await acceptBatch(store.pool, tenantId, batch, messages);
  if (!acceptance.stored) throw new Error(`the idempotency key belongs to batch ${acceptance.existing.id} already`);
  return { id, tenantId, accountId, senderId, messageIds: messages.map((message) => message.id) };
}

function recipientsOf(recipients: number | readonly string[]): readonly string[] {
  if (typeof recipients !== "number") return recipients;
  return Array.from({ length: recipients }, (_, index) => `+1415${String(5_550_000 + index).padStart(7, "0")}`);
}
