import { randomUUID } from "node:crypto";
import { createMessageIds, createRecipientHash, HubError, invalid, newBatchId } from "@wahub/domain";
import { UnknownPolicy } from "@wahub/proto";
import {
  appendMessages,
  defaultSender,
  openBatch,
  startBatch,
  tenantHashKey,
  type IntakeProgress,
  type NewMessage,
  type OpenedBatch,
  type OwnedBatch,
  type Store,
  type StoreClient,
} from "@wahub/store";
import type { BatchHeader } from "./read-header.ts";
import type { GoodRecipient, RecipientReader } from "./recipient-reader.ts";

/** A batch that this call stores. */
type OpenBatch = Pick<Extract<OpenedBatch, { kind: "owned" }>, "id" | "createdAt" | "senderId">;

/** What storing a batch's recipients needs to know of the call. */
export interface Intake {
  readonly tenantId: string;
  readonly senderId: string;
  /** Random; fences off whoever stored recipients of the same batch before. */
  readonly owner: string;
  readonly ownedForMs: number;
  readonly header: BatchHeader;
  /** Kept with the batch: what Twilio is told with each message, and what is waited for, must not differ. */
  readonly validityS: number | undefined;
  readonly hashOf: (recipientKey: string) => Buffer;
  /** The ids of a batch's messages, by recipient key. */
  readonly idsIn: (batchId: string) => (recipientKey: string) => string;
}

/**
 * Prepares the storing of a batch.
 *
 * @throws HubError `not_now` when the tenant has no sender
 */
export async function prepareIntake(
  store: Store,
  tenantId: string,
  header: BatchHeader,
  options: { ownedForMs: number; resendValidityS: number },
): Promise<Intake> {
  const [sender, hashKey] = await Promise.all([
    defaultSender(store.pool, tenantId),
    tenantHashKey(store.pool, tenantId),
  ]);
  if (!sender)
    throw new HubError(
      "not_now",
      "no WhatsApp sender is configured: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_WHATSAPP_FROM",
    );
  return {
    tenantId,
    senderId: sender.senderId,
    owner: randomUUID(),
    ownedForMs: options.ownedForMs,
    header,
    validityS: header.unknownPolicy === UnknownPolicy.RESEND ? options.resendValidityS : undefined,
    hashOf: createRecipientHash(hashKey),
    idsIn: (batchId) => createMessageIds(hashKey, batchId),
  };
}

/** How far ahead a batch's `expires_at` may lie: a wrong year or unit is noticed rather than obeyed. */
const maxExpiryMs = 35 * 86_400_000;

/**
 * Claims the idempotency key, or finds whose it is.
 *
 * @throws HubError `invalid` when the batch would be new and its time is over, or does not end soon enough; a batch that
 *   exists is found also after its time. Undo the transaction.
 */
export async function open(client: StoreClient, intake: Intake, openingHash: Buffer, now: Date): Promise<OpenedBatch> {
  const { header, tenantId, senderId, owner, ownedForMs, validityS } = intake;
  const id = newBatchId(now);
  const opening = { ...header, id, senderId, owner, ownedForMs, validityS, openingHash };
  const opened = await openBatch(client, tenantId, opening);
  const fault = opened.id === id ? expiryFault(header.expiresAt, now) : undefined;
  if (fault !== undefined) throw invalid([{ field: "expires_at", reason: fault }]);
  return opened;
}

function expiryFault(expiresAt: Date | undefined, now: Date): string | undefined {
  if (expiresAt === undefined) return undefined;
  const aheadMs = expiresAt.getTime() - now.getTime();
  if (aheadMs <= 0) return "must be in the future";
  return aheadMs > maxExpiryMs ? "must be at most 35 days ahead" : undefined;
}

/** Stores recipients of an open batch, together with how far the reader has come. */
export function append(
  client: StoreClient,
  intake: Intake,
  batch: OpenBatch,
  recipients: readonly GoodRecipient[],
  progress: Omit<IntakeProgress, "total">,
): Promise<IntakeProgress> {
  return appendMessages(
    client,
    intake.tenantId,
    owned(intake, batch),
    toMessages(intake, batch.id, recipients),
    progress,
  );
}

/** Ends the intake; the batch runs. */
export function start(client: StoreClient, intake: Intake, batch: OpenBatch, now: Date): Promise<void> {
  return startBatch(client, intake.tenantId, owned(intake, batch), now);
}

/** How far a reader has come, as it is stored with the batch. */
export function progressOf(reader: RecipientReader): Omit<IntakeProgress, "total"> {
  return {
    received: reader.received,
    hash: reader.contentHash(),
    rejectedCount: reader.rejectedCount,
    rejected: reader.rejected.map(({ index, reason }) => ({ index, reason })),
  };
}

/** The refusal of a call whose idempotency key stands for something else. */
export function keyConflict(batchId: string): HubError {
  return new HubError(
    "conflict",
    `this idempotency key belongs to batch ${batchId} with other content; use a new key for a new batch`,
  );
}

function owned({ owner, ownedForMs }: Intake, { id, createdAt, senderId }: OpenBatch): OwnedBatch {
  return { id, createdAt, senderId, owner, ownedForMs };
}

/** Rows of distinct recipients: of two spellings of one number the first counts. */
function toMessages(intake: Intake, batchId: string, recipients: readonly GoodRecipient[]): NewMessage[] {
  const idOf = intake.idsIn(batchId);
  const byKey = new Map<string, NewMessage>();
  for (const { number, metadata } of recipients) {
    if (byKey.has(number.key)) continue;
    byKey.set(number.key, {
      id: idOf(number.key),
      recipient: number.e164,
      recipientKey: number.key,
      recipientHash: intake.hashOf(number.key),
      metadata,
    });
  }
  return [...byKey.values()];
}
