import { batchCreatedAt } from "@wahub/domain";
import { BatchState, type UnknownPolicy } from "@wahub/proto";
import type { PoolClient } from "pg";

/** What is known of a batch before its first recipient. JSON values are texts. */
export interface BatchOpening {
  /** From `newBatchId`; taken only where the batch is new. */
  readonly id: string;
  readonly idempotencyKey: string | undefined;
  readonly senderId: string;
  readonly content: string;
  readonly metadata: string | undefined;
  /** From when on nothing of it is sent. */
  readonly expiresAt?: Date | undefined;
  readonly unknownPolicy: UnknownPolicy;
  /** Seconds after which Twilio gives a message up; undefined for Twilio's own time. */
  readonly validityS: number | undefined;
  /** The content hash before the first recipient. */
  readonly openingHash: Buffer;
  /** Random UUID of the call that stores the recipients: fences off whoever stored them before. */
  readonly owner: string;
  /** How long the batch belongs to the owner without a sign of life, by the database's clock. */
  readonly ownedForMs: number;
}

/** How far the storing of a batch's recipients has come. */
export interface IntakeProgress {
  /** Recipients read so far, bad ones and duplicates included. */
  readonly received: number;
  /** The content hash after them. */
  readonly hash: Buffer;
  /** Distinct recipients stored. */
  readonly total: number;
  readonly rejectedCount: number;
  /** The first of them. */
  readonly rejected: readonly RejectedRow[];
}

/** A recipient that was refused. */
export interface RejectedRow {
  readonly index: number;
  readonly reason: string;
}

/** Whose the batch is now. */
export type OpenedBatch =
  /** Ours: new, or taken over from a call that broke off, with what that one stored. */
  | {
      readonly kind: "owned";
      readonly id: string;
      readonly createdAt: Date;
      /** Of the call that made the batch: the default may have changed since. */
      readonly senderId: string;
      readonly progress: IntakeProgress;
    }
  /** Complete already; `progress.hash` is its content hash. */
  | { readonly kind: "complete"; readonly id: string; readonly progress: IntakeProgress }
  /** Another call is storing it. */
  | { readonly kind: "busy"; readonly id: string };

/**
 * Claims the idempotency key, before anything else is stored. Where the key is new, so is the batch, in state accepting.
 * Where another transaction has just claimed it, waits for that one's end. A batch whose owner gave no sign of life for
 * its time is taken over.
 */
export async function openBatch(client: PoolClient, tenantId: string, opening: BatchOpening): Promise<OpenedBatch> {
  const createdAt = batchCreatedAt(opening.id);
  const { rowCount } = await client.query(
    `insert into batch (id, tenant_id, idempotency_key, state, sender_id, content, metadata, intake_hash, owner,
                        owned_until, created_at, updated_at, expires_at, unknown_policy, validity_s)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp() + $10 * interval '1 millisecond', $11, $11, $12, $13,
             $14)
     on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing`,
    [
      opening.id,
      tenantId,
      opening.idempotencyKey ?? null,
      BatchState.ACCEPTING,
      opening.senderId,
      opening.content,
      opening.metadata ?? null,
      opening.openingHash,
      opening.owner,
      opening.ownedForMs,
      createdAt,
      opening.expiresAt ?? null,
      opening.unknownPolicy,
      opening.validityS ?? null,
    ],
  );
  if (rowCount === 1) {
    const progress = { received: 0, hash: opening.openingHash, total: 0, rejectedCount: 0, rejected: [] };
    return { kind: "owned", id: opening.id, createdAt, senderId: opening.senderId, progress };
  }
  // Nothing there any more: the batch was discarded in between, and the key is free.
  return (await takeOver(client, tenantId, opening)) ?? openBatch(client, tenantId, opening);
}

interface BatchRow {
  id: string;
  state: BatchState;
  sender_id: string;
  free: boolean;
  received: number;
  intake_hash: Buffer;
  total: number;
  rejected_count: number;
  rejected: RejectedRow[];
}

async function takeOver(client: PoolClient, tenantId: string, opening: BatchOpening): Promise<OpenedBatch | undefined> {
  const { rows } = await client.query<BatchRow>(
    `select id, state, sender_id, owned_until < clock_timestamp() as free, received, intake_hash, total, rejected_count, rejected
     from batch where tenant_id = $1 and idempotency_key = $2
     for no key update`,
    [tenantId, opening.idempotencyKey],
  );
  const [row] = rows;
  if (!row) return undefined;
  const progress: IntakeProgress = {
    received: row.received,
    hash: row.intake_hash,
    total: row.total,
    rejectedCount: row.rejected_count,
    rejected: row.rejected,
  };
  if (row.state !== BatchState.ACCEPTING) return { kind: "complete", id: row.id, progress };
  if (!row.free) return { kind: "busy", id: row.id };
  await client.query(
    `update batch set owner = $2, owned_until = clock_timestamp() + $3 * interval '1 millisecond' where id = $1`,
    [row.id, opening.owner, opening.ownedForMs],
  );
  return { kind: "owned", id: row.id, createdAt: batchCreatedAt(row.id), senderId: row.sender_id, progress };
}
