import { randomBytes } from "node:crypto";
import { createKeyedDigest } from "./keyed-digest.ts";

/**
 * Makes a batch id: a UUIDv7 whose first 48 bits are the creation time in milliseconds.
 *
 * @param createdAt when the batch is created; becomes the time part of all its message ids
 */
export function newBatchId(createdAt: Date, random: (size: number) => Uint8Array = randomBytes): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(createdAt.getTime(), 0, 6);
  bytes.set(random(10), 6);
  return formatUuid(bytes, 7);
}

/**
 * The id of the message to one recipient in one batch: a UUIDv8 of the batch's creation time (48 bits) and a keyed digest
 * of batch and recipient. The same recipient in the same batch always gets the same id, so the primary key keeps a
 * recipient from being stored twice, and the id alone finds the partition.
 *
 * @param tenantKey the tenant's secret: whoever knows a batch's id and sees a message's, in a URL or a log line, cannot
 *   try out whose number it is
 * @param recipientKey as `parseRecipient` returns it
 */
export function messageId(tenantKey: Buffer, batchId: string, recipientKey: string): string {
  return createMessageIds(tenantKey, batchId)(recipientKey);
}

/** As `messageId`, for many recipients of one batch. */
export function createMessageIds(tenantKey: Buffer, batchId: string): (recipientKey: string) => string {
  const digest = createKeyedDigest(createKeyedDigest(tenantKey)(batchId));
  const time = Buffer.from(hex(batchId).slice(0, 12), "hex");
  return (recipientKey) => formatUuid(Buffer.concat([time, digest(recipientKey)], 16), 8);
}

/** The lowest and highest id a message of this batch can have; other batches of the same millisecond share it. */
export function messageIdRange(batchId: string): { first: string; last: string } {
  const time = hex(batchId).slice(0, 12);
  return { first: dashed(time + "0".repeat(20)), last: dashed(time + "f".repeat(20)) };
}

/** When the batch with this id was created. */
export function batchCreatedAt(batchId: string): Date {
  return new Date(Number.parseInt(hex(batchId).slice(0, 12), 16));
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for a UUID in canonical lower-case form, of any version. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

function formatUuid(bytes: Buffer, version: number): string {
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return dashed(bytes.toString("hex"));
}

function dashed(h: string): string {
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

function hex(uuid: string): string {
  return uuid.replaceAll("-", "");
}
