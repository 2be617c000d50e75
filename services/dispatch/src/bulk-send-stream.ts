import { setTimeout as sleep } from "node:timers/promises";
import { HubError, invalid } from "@wahub/domain";
import { createFairGate, type CallContext } from "@wahub/platform";
import type { BulkSendHeader, BulkSendStreamRequest, RecipientChunk } from "@wahub/proto";
import {
  discardBatch,
  keepBatch,
  releaseBatch,
  toStoreError,
  type Caller,
  type IntakeProgress,
  type OpenedBatch,
  type Store,
} from "@wahub/store";
import { countsOf } from "./bulk-send.ts";
import type { DispatchEvents } from "./events.ts";
import { append, keyConflict, open, prepareIntake, progressOf, start, type Intake } from "./intake.ts";
import type { IntakeConnections } from "./intake-connections.ts";
import { readHeader } from "./read-header.ts";
import { BatchRefused, createRecipientReader, type GoodRecipient, type RecipientReader } from "./recipient-reader.ts";

export interface BulkSendStreamDeps {
  readonly store: Store;
  readonly connections: IntakeConnections;
  readonly events: DispatchEvents;
  readonly now: () => Date;
  /** How long a batch belongs to its stream without a sign of life. */
  readonly ownedForMs: number;
  /** A stream that brings nothing for this long is ended. */
  readonly idleTimeoutMs: number;
  /** How often a call looks whether another one with the same key has ended. */
  readonly retryOpenMs: number;
  readonly resendValidityS: number;
}

/** Recipients per transaction: enough to be cheap, few enough to keep memory small and a repeated one quick. */
const recipientsPerCommit = 5_000;

/** Streams at once: each has thousands of recipients in memory. */
const maxStreams = 100;
const maxStreamsPerTenant = 50;

/** Counts are int32, and a batch is one range of one partition. */
const maxRecipients = 10_000_000;

type Owned = Extract<OpenedBatch, { kind: "owned" }>;

/**
 * BulkSendStream: reads recipients as they come and commits them in chunks, while the next are read, into a batch that is
 * accepting; the batch runs when the stream has ended. Each commit says how far the stream has come and the hash of all
 * up to there. A stream that is sent again after a break is compared with that hash and goes on behind it.
 */
export function createBulkSendStream(deps: BulkSendStreamDeps) {
  const streams = createFairGate({
    capacity: maxStreams,
    capacityPerKey: maxStreamsPerTenant,
    busyWith: "streams are read",
  });
  return async (requests: AsyncIterable<BulkSendStreamRequest>, context: CallContext<Caller>) => {
    const ended = AbortSignal.any([context.signal, context.stopping]);
    const leave = await streams.enter(context.caller.tenantId, 1, ended);
    try {
      return await take(deps, requests, context, ended);
    } catch (error) {
      throw toStoreError(error);
    } finally {
      leave();
    }
  };
}

async function take(
  deps: BulkSendStreamDeps,
  requests: AsyncIterable<BulkSendStreamRequest>,
  { caller, log }: CallContext<Caller>,
  ended: AbortSignal,
) {
  const parts = readParts(requests, ended, deps.idleTimeoutMs);
  const header = readHeader(await firstPart(parts));
  const reader = createRecipientReader(header);
  const intake = await prepareIntake(deps.store, caller.tenantId, header, deps);
  const opened = await openWhenFree(deps, intake, reader.contentHash(), ended);
  if (opened.kind === "complete") {
    await readAll(parts, reader, ended);
    if (!opened.progress.hash.equals(reader.contentHash())) throw keyConflict(opened.id);
    deps.events.batchRepeated(log, { batchId: opened.id });
    return answer(opened.id, opened.progress);
  }
  const progress = await holding(deps, intake, opened.id, () => store(deps, intake, opened, parts, reader, ended));
  deps.events.batchAccepted(log, { batchId: opened.id, ...countsOf(reader, progress.total) });
  return answer(opened.id, progress);
}

/** Claims the key; while another call holds it, waits for that one's end or death. */
async function openWhenFree(deps: BulkSendStreamDeps, intake: Intake, openingHash: Buffer, ended: AbortSignal) {
  for (;;) {
    const opened = await deps.connections.transact(
      intake.tenantId,
      (client) => open(client, intake, openingHash, deps.now()),
      {
        signal: ended,
      },
    );
    if (opened.kind !== "busy") return opened;
    await sleep(deps.retryOpenMs, undefined, { signal: ended }).catch(() => ended.throwIfAborted());
  }
}

/**
 * Runs `work` while showing signs of life for the batch. If it fails, the batch is free at once for the next call with
 * its key; where there should be none, because it has no key or was refused for what it says, it is discarded.
 */
async function holding<T>(
  deps: BulkSendStreamDeps,
  intake: Intake,
  batchId: string,
  work: () => Promise<T>,
): Promise<T> {
  const { pool } = deps.store;
  const held = { batchId, owner: intake.owner };
  // What goes wrong here shows in the next commit, which checks the owner.
  const keep = (): void => void keepBatch(pool, intake.tenantId, held, deps.ownedForMs).catch(() => false);
  const timer = setInterval(keep, deps.ownedForMs / 3);
  try {
    return await work();
  } catch (error) {
    const final = intake.header.idempotencyKey === undefined || (error instanceof HubError && error.kind === "invalid");
    // Without an answer from PostgreSQL the owner's time runs out by itself.
    await (final ? discardBatch : releaseBatch)(pool, intake.tenantId, held).catch(() => undefined);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Reads the rest of the stream and stores it; the batch runs in the end. */
async function store(
  deps: BulkSendStreamDeps,
  intake: Intake,
  batch: Owned,
  parts: Parts,
  reader: RecipientReader,
  ended: AbortSignal,
): Promise<IntakeProgress> {
  let progress = batch.progress;
  let pending: GoodRecipient[] = [];
  let writing: Promise<void> = Promise.resolve();

  /** Commits what has been read since the last commit, once that one is through. */
  const commit = async (): Promise<void> => {
    await writing;
    const recipients = pending;
    const reached = progressOf(reader);
    pending = [];
    writing = deps.connections.transact(intake.tenantId, async (client) => {
      progress = await append(client, intake, batch, recipients, reached);
    });
    // It is awaited before the next one and at the end; until then its failure is no unhandled rejection.
    writing.catch(() => undefined);
  };

  if (batch.progress.received === 0) checkResumed(batch, reader);
  for (let chunk = await nextChunk(parts); chunk; chunk = await nextChunk(parts)) {
    const known = Math.max(0, Math.min(batch.progress.received - reader.received, chunk.recipients.length));
    if (known > 0) {
      await reader.read(chunk.recipients.slice(0, known), ended);
      if (reader.received === batch.progress.received) checkResumed(batch, reader);
    }
    const fresh = await reader.read(chunk.recipients.slice(known), ended);
    pending.push(...fresh.filter((recipient) => recipient !== undefined));
    if (reader.received > maxRecipients) throw tooMany();
    if (pending.length >= recipientsPerCommit) await commit();
  }
  if (reader.received === 0) throw invalid([{ field: "recipients", reason: "the stream has no recipients" }]);
  if (reader.received < batch.progress.received) throw keyConflict(batch.id);
  await commit();
  await writing;
  if (progress.total === 0) throw new BatchRefused(reader.rejected);
  await deps.connections.transact(intake.tenantId, (client) => start(client, intake, batch, deps.now()));
  return progress;
}

/** What was stored before must be the beginning of this stream. */
function checkResumed(batch: Owned, reader: RecipientReader): void {
  if (!batch.progress.hash.equals(reader.contentHash())) throw keyConflict(batch.id);
}

async function readAll(parts: Parts, reader: RecipientReader, ended: AbortSignal): Promise<void> {
  for (let chunk = await nextChunk(parts); chunk; chunk = await nextChunk(parts))
    await reader.read(chunk.recipients, ended);
}

async function firstPart(parts: Parts): Promise<BulkSendHeader> {
  const part = (await parts.next())?.part;
  if (part?.case === "header") return part.value;
  throw invalid([{ field: "header", reason: "the first message of the stream must be the header" }]);
}

async function nextChunk(parts: Parts): Promise<RecipientChunk | undefined> {
  const request = await parts.next();
  if (!request) return undefined;
  if (request.part.case === "recipients") return request.part.value;
  throw invalid([{ field: "recipients", reason: "after the header every message of the stream must be recipients" }]);
}

/** A stream of requests whose client may be slow or silent. */
interface Parts {
  /** The next message, or undefined at the end; does not wait once the call or the server ends, or for too long. */
  next(): Promise<BulkSendStreamRequest | undefined>;
}

function readParts(requests: AsyncIterable<BulkSendStreamRequest>, ended: AbortSignal, idleTimeoutMs: number): Parts {
  const iterator = requests[Symbol.asyncIterator]();
  return {
    async next() {
      ended.throwIfAborted();
      const over = Promise.withResolvers<never>();
      const abort = (): void => over.reject(ended.reason as Error);
      ended.addEventListener("abort", abort, { once: true });
      const silent = setTimeout(() => over.reject(tooSilent(idleTimeoutMs)), idleTimeoutMs);
      try {
        const result = await Promise.race([iterator.next(), over.promise]);
        return result.done ? undefined : result.value;
      } finally {
        clearTimeout(silent);
        ended.removeEventListener("abort", abort);
      }
    },
  };
}

function answer(batchId: string, { received, total, rejectedCount, rejected }: IntakeProgress) {
  return {
    batchId,
    acceptedCount: total,
    duplicateCount: received - rejectedCount - total,
    rejected: rejected.map(({ index, reason }) => ({ index, reason })),
    rejectedCount,
  };
}

function tooSilent(idleTimeoutMs: number): HubError {
  const text = `nothing came for ${idleTimeoutMs} ms; send the stream again with its idempotency key and it goes on`;
  return new HubError("unavailable", text);
}

function tooMany(): HubError {
  return invalid([{ field: "recipients", reason: `a batch has at most ${maxRecipients} recipients; use several` }]);
}
