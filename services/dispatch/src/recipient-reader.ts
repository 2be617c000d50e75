import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { canonicalJson, HubError, invalid, metadataFault, parseRecipient, type RecipientNumber } from "@wahub/domain";
import { UnknownPolicy, type Recipient } from "@wahub/proto";
import type { BatchHeader } from "./read-header.ts";

/** A recipient that can be sent to. */
export interface GoodRecipient {
  readonly number: RecipientNumber;
  /** Canonical JSON text. */
  readonly metadata: string | undefined;
}

/** A recipient that was refused. */
export interface Rejection {
  /** Position among all recipients of the call, from 0. */
  readonly index: number;
  /** What of the recipient is wrong. */
  readonly field: "phone" | "metadata";
  readonly reason: string;
}

/** How many rejected recipients an answer lists; the rest is only counted. */
export const maxListedRejections = 1000;

/** Recipients read before other calls get a turn: parsing a number takes about 20 microseconds. */
const recipientsPerTurn = 250;

/** Reads a call's recipients one after the other and remembers what it has seen, in constant memory. */
export interface RecipientReader {
  /** Recipients read so far. */
  readonly received: number;
  /** The first of them that were refused, and how many were. */
  readonly rejected: readonly Rejection[];
  readonly rejectedCount: number;
  /**
   * Reads the next recipients: one entry each, undefined for a refused one.
   *
   * @throws HubError `invalid` at the first bad one, where the caller wants all or nothing
   */
  read(recipients: readonly Recipient[], signal: AbortSignal): Promise<(GoodRecipient | undefined)[]>;
  /**
   * The content hash of header and recipients so far. Equal for two calls that ask for the same, however numbers and JSON
   * are spelled and the recipients are cut into chunks.
   */
  contentHash(): Buffer;
}

/** A reader for a call with this header. */
export function createRecipientReader(header: BatchHeader): RecipientReader {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([header.allOrNothing, header.content, header.metadata ?? null, ...choices(header)]));
  const rejected: Rejection[] = [];
  let received = 0;
  let rejectedCount = 0;

  function readOne(recipient: Recipient): GoodRecipient | undefined {
    const index = received++;
    const metadata = recipient.metadata && canonicalJson(recipient.metadata);
    const parsed = parseRecipient(recipient.phone);
    hash.update(JSON.stringify(["number" in parsed ? parsed.number.e164 : recipient.phone, metadata ?? null]));
    if ("reason" in parsed) return reject({ index, field: "phone", reason: parsed.reason });
    const fault = metadata === undefined ? undefined : metadataFault(metadata);
    if (fault !== undefined) return reject({ index, field: "metadata", reason: fault });
    return { number: parsed.number, metadata };
  }

  function reject(rejection: Rejection): undefined {
    rejectedCount++;
    if (rejected.length < maxListedRejections) rejected.push(rejection);
  }

  return {
    get received() {
      return received;
    },
    get rejectedCount() {
      return rejectedCount;
    },
    rejected,
    async read(recipients, signal) {
      const read: (GoodRecipient | undefined)[] = [];
      for (const recipient of recipients) {
        if (received % recipientsPerTurn === recipientsPerTurn - 1) {
          await nextTurn();
          signal.throwIfAborted();
        }
        read.push(readOne(recipient));
      }
      if (header.allOrNothing && rejectedCount > 0) throw new BatchRefused(rejected);
      return read;
    },
    contentHash: () => hash.copy().digest(),
  };
}

/** What a header may leave out altogether. A header without any has the hash it always had. */
function choices({ expiresAt, unknownPolicy }: BatchHeader): unknown[] {
  return [
    ...(expiresAt === undefined ? [] : [{ expiresAt: expiresAt.toISOString() }]),
    ...(unknownPolicy === UnknownPolicy.ASSUME_SENT ? [] : [{ unknownPolicy }]),
  ];
}

/** The batch is refused as a whole because of its recipients; nothing of it is kept. */
export class BatchRefused extends HubError {
  constructor(rejected: readonly Rejection[]) {
    const violations = rejected.map(({ index, field, reason }) => ({
      field: `recipients[${index}].${field}`,
      index,
      reason,
    }));
    super("invalid", invalid(violations).message, { violations });
  }
}
