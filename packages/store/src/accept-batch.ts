import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageIdRange } from "@wahub/domain";
import { BatchState, MessageStatus } from "@wahub/proto";
import type { Pool, PoolClient } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { withTransaction } from "./transaction.ts";

/** A batch as `BulkSend` understood it. JSON values are texts. */
export interface NewBatch {
  /** From `newBatchId(createdAt)`. */
  readonly id: string;
  readonly idempotencyKey: string | undefined;
  /** Equal for two calls that ask for the same. */
  readonly contentHash: Buffer;
  readonly senderId: string;
  readonly content: string;
  readonly metadata: string | undefined;
  readonly rejectedCount: number;
  readonly rejected: readonly { readonly index: number; readonly reason: string }[];
  readonly createdAt: Date;
}

/** One distinct recipient of it. */
export interface NewMessage {
  /** From `messageId(batch.id, recipientKey)`. */
  readonly id: string;
  readonly recipient: string;
  readonly recipientKey: string;
  readonly recipientHash: Buffer;
  readonly metadata: string | undefined;
}

/** Stored, or what stands under the same idempotency key already. */
export type Acceptance =
  | { readonly stored: true }
  | { readonly stored: false; readonly existing: { readonly id: string; readonly contentHash: Buffer } };

/**
 * Stores a batch and all its messages in one transaction; when it returns, they are durable and the batch runs. A
 * second call with the same idempotency key waits for the first and then finds its batch.
 *
 * @param messages distinct by id; a repeated one fails the whole call
 */
export async function acceptBatch(
  pool: Pool,
  tenantId: string,
  batch: NewBatch,
  messages: readonly NewMessage[],
): Promise<Acceptance> {
  return withTransaction(pool, async (client) => {
    const existing = await claimIdempotencyKey(client, tenantId, batch, messages.length);
    if (existing) return { stored: false, existing };
    await copyMessages(client, tenantId, batch, messages);
    await client.query(
      `insert into batch_count_delta (tenant_id, batch_id, status, error_code, n) values ($1, $2, $3, 0, $4)`,
      [tenantId, batch.id, MessageStatus.ACCEPTED, messages.length],
    );
    return { stored: true };
  });
}

/** Inserts the batch; answers with the older one where the tenant has used the key before. */
async function claimIdempotencyKey(
  client: PoolClient,
  tenantId: string,
  batch: NewBatch,
  total: number,
): Promise<{ id: string; contentHash: Buffer } | undefined> {
  // A new batch starts level with the one that has had the least so far: it neither waits behind the others' past nor
  // overtakes them for longer than its share.
  const inserted = await client.query(
    `insert into batch (id, tenant_id, idempotency_key, content_hash, state, sender_id, content, metadata,
                        total, rejected_count, rejected, virtual_time, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
             coalesce((select min(virtual_time) from batch where sender_id = $6 and state = $5), 0), $12, $12)
     on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing`,
    [
      batch.id,
      tenantId,
      batch.idempotencyKey ?? null,
      batch.contentHash,
      BatchState.RUNNING,
      batch.senderId,
      batch.content,
      batch.metadata ?? null,
      total,
      batch.rejectedCount,
      JSON.stringify(batch.rejected),
      batch.createdAt,
    ],
  );
  if (inserted.rowCount === 1) return undefined;
  const { rows } = await client.query<{ id: string; content_hash: Buffer }>(
    `select id, content_hash from batch where tenant_id = $1 and idempotency_key = $2`,
    [tenantId, batch.idempotencyKey],
  );
  return { id: rows[0]!.id, contentHash: rows[0]!.content_hash };
}

async function copyMessages(
  client: PoolClient,
  tenantId: string,
  batch: NewBatch,
  messages: readonly NewMessage[],
): Promise<void> {
  const { first, last } = messageIdRange(batch.id);
  const stray = messages.find((message) => message.id < first || message.id > last);
  if (stray) throw new Error(`message id ${stray.id} is not of batch ${batch.id}`);
  const copy = client.query(
    copyFrom(
      `copy message (id, tenant_id, batch_id, recipient, recipient_key, recipient_hash, metadata, status, next_at,
                     sender_id, created_at, updated_at) from stdin`,
    ),
  );
  await pipeline(Readable.from(copyLines(tenantId, batch, messages), { objectMode: false }), copy);
}

/** Rows per chunk handed to the socket: big enough to be cheap, small enough to let others run in between. */
const rowsPerChunk = 500;

/** The rows in PostgreSQL's COPY text format. */
function* copyLines(tenantId: string, batch: NewBatch, messages: readonly NewMessage[]): Generator<string> {
  const createdAt = batch.createdAt.toISOString();
  const end = `\t${MessageStatus.ACCEPTED}\t${createdAt}\t${batch.senderId}\t${createdAt}\t${createdAt}\n`;
  const start = `\t${tenantId}\t${batch.id}\t`;
  for (let at = 0; at < messages.length; at += rowsPerChunk) {
    let chunk = "";
    for (const m of messages.slice(at, at + rowsPerChunk)) {
      const metadata = m.metadata === undefined ? "\\N" : escapeCopyText(m.metadata);
      chunk += `${m.id}${start}${m.recipient}\t${m.recipientKey}\t\\\\x${m.recipientHash.toString("hex")}\t${metadata}${end}`;
    }
    yield chunk;
  }
}

/** In COPY's text format a backslash, and the three characters that end a field or row, are written as escapes. */
function escapeCopyText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}
