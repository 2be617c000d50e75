import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { HubError, messageIdRange } from "@wahub/domain";
import { BatchState, MessageStatus } from "@wahub/proto";
import type { PoolClient } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { IntakeProgress } from "./open-batch.ts";

/** One recipient of a batch. */
export interface NewMessage {
  /** From `messageId`. */
  readonly id: string;
  readonly recipient: string;
  readonly recipientKey: string;
  readonly recipientHash: Buffer;
  /** JSON text. */
  readonly metadata: string | undefined;
}

/** The batch that recipients are added to, and who adds them. */
export interface OwnedBatch {
  readonly id: string;
  readonly createdAt: Date;
  readonly senderId: string;
  readonly owner: string;
  readonly ownedForMs: number;
}

/**
 * Adds recipients to a batch that is accepting, together with how far its intake has come. A recipient that the batch has
 * already is skipped, so a repeated chunk is harmless. Counts as a sign of life.
 *
 * @param progress after these recipients; `total` is computed here
 * @returns the new progress
 * @throws HubError `unavailable` when the batch has another owner by now
 */
export async function appendMessages(
  client: PoolClient,
  tenantId: string,
  batch: OwnedBatch,
  messages: readonly NewMessage[],
  progress: Omit<IntakeProgress, "total">,
): Promise<IntakeProgress> {
  const stored = messages.length > 0 ? await storeMessages(client, tenantId, batch, messages) : 0;
  const { rows } = await client.query<{ total: number }>(
    `with counted as (
       insert into batch_count_delta (tenant_id, batch_id, status, error_code, n)
       select $1, $2, ${MessageStatus.ACCEPTED}, 0, $4 where $4 > 0
     )
     update batch
     set total = total + $4, received = $5, intake_hash = $6, rejected_count = $7, rejected = $8,
         owned_until = clock_timestamp() + $9 * interval '1 millisecond'
     where tenant_id = $1 and id = $2 and owner = $3 and state = ${BatchState.ACCEPTING}
     returning total`,
    [
      tenantId,
      batch.id,
      batch.owner,
      stored,
      progress.received,
      progress.hash,
      progress.rejectedCount,
      JSON.stringify(progress.rejected),
      batch.ownedForMs,
    ],
  );
  if (!rows[0]) throw ownedByAnother();
  return { ...progress, total: rows[0].total };
}

/** The error of a call whose batch has been taken over, or discarded, meanwhile. */
export function ownedByAnother(): HubError {
  return new HubError("unavailable", "another call with the same idempotency key has taken over; call again");
}

// COPY knows no conflicts, so the rows pass through a table of this connection's own, which writes no WAL.
const staging = `create temporary table if not exists incoming_message (
  id uuid, recipient text, recipient_key text, recipient_hash bytea, metadata jsonb) on commit delete rows`;

async function storeMessages(
  client: PoolClient,
  tenantId: string,
  batch: OwnedBatch,
  messages: readonly NewMessage[],
): Promise<number> {
  const { first, last } = messageIdRange(batch.id);
  const stray = messages.find((message) => message.id < first || message.id > last);
  if (stray) throw new Error(`message id ${stray.id} is not of batch ${batch.id}`);
  await client.query(staging);
  const copy = client.query(
    copyFrom("copy incoming_message (id, recipient, recipient_key, recipient_hash, metadata) from stdin"),
  );
  await pipeline(Readable.from(copyLines(messages), { objectMode: false }), copy);
  const { rowCount } = await client.query(
    `insert into message (id, tenant_id, batch_id, recipient, recipient_key, recipient_hash, metadata, status, next_at,
                          sender_id, created_at, updated_at)
     select id, $1, $2, recipient, recipient_key, recipient_hash, metadata, ${MessageStatus.ACCEPTED}, $3, $4, $3, $3
     from incoming_message
     on conflict (id) do nothing`,
    [tenantId, batch.id, batch.createdAt, batch.senderId],
  );
  await client.query("truncate incoming_message");
  return rowCount ?? 0;
}

/** Rows per chunk handed to the socket: big enough to be cheap, small enough to let others run in between. */
const rowsPerChunk = 500;

/** The rows in PostgreSQL's COPY text format. */
function* copyLines(messages: readonly NewMessage[]): Generator<string> {
  for (let at = 0; at < messages.length; at += rowsPerChunk) {
    let chunk = "";
    for (const m of messages.slice(at, at + rowsPerChunk)) {
      const metadata = m.metadata === undefined ? "\\N" : escapeCopyText(m.metadata);
      chunk += `${m.id}\t${m.recipient}\t${m.recipientKey}\t\\\\x${m.recipientHash.toString("hex")}\t${metadata}\n`;
    }
    yield chunk;
  }
}

/** In COPY's text format a backslash, and the three characters that end a field or row, are written as escapes. */
function escapeCopyText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}
