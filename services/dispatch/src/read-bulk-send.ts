import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { toJson } from "@bufbuild/protobuf";
import {
  bodyFault,
  canonicalJson,
  invalid,
  metadataFault,
  parseRecipient,
  textFault,
  violation,
  type Json,
  type RecipientNumber,
  type Violation,
} from "@wahub/domain";
import { ContentSchema, type BulkSendRequest } from "@wahub/proto";

/** A BulkSend call, understood: everything below works with this and never with the request. */
export interface BulkSendOrder {
  readonly idempotencyKey: string | undefined;
  /** Proto JSON of the content, as text. */
  readonly content: string;
  readonly metadata: string | undefined;
  /** Distinct recipients in the order of their first appearance. */
  readonly recipients: readonly OrderedRecipient[];
  /** For each recipient of the request: its position in `recipients`, or undefined where it was rejected. */
  readonly positions: readonly (number | undefined)[];
  /** The first `maxListedRejections` of them. */
  readonly rejected: readonly Rejection[];
  readonly rejectedCount: number;
  /** Equal for two calls that ask for the same. */
  readonly contentHash: Buffer;
}

export interface OrderedRecipient {
  readonly number: RecipientNumber;
  readonly metadata: string | undefined;
}

export interface Rejection {
  readonly index: number;
  /** What of the recipient is wrong: `phone` or `metadata`. */
  readonly field: string;
  readonly reason: string;
}

/** How many rejected recipients an answer lists; the rest is only counted. */
export const maxListedRejections = 1000;

/** Recipients read before other calls get a turn: parsing a number takes about 20 microseconds. */
const recipientsPerTurn = 250;

/**
 * Reads a request into an order. Bad recipients are set aside; two spellings of one number are one recipient, the first
 * one's metadata counts.
 *
 * @throws HubError `invalid` when the content is bad, when no recipient is good, or when one is bad and the caller wants
 *   all or nothing
 */
export async function readBulkSend(request: BulkSendRequest, signal: AbortSignal): Promise<BulkSendOrder> {
  const metadata = request.metadata && canonicalJson(request.metadata);
  refuseIfAny([
    ...violation("idempotency_key", textFault(request.idempotencyKey)),
    ...contentViolations(request),
    ...violation("metadata", metadata === undefined ? undefined : metadataFault(metadata)),
  ]);
  const content = canonicalJson(toJson(ContentSchema, request.content!) as Json);
  const hash = createHash("sha256").update(JSON.stringify([request.allOrNothing, content, metadata ?? null]));

  const recipients: OrderedRecipient[] = [];
  const positions: (number | undefined)[] = [];
  const rejected: Rejection[] = [];
  let rejectedCount = 0;
  const positionByKey = new Map<string, number>();
  for (const [index, recipient] of request.recipients.entries()) {
    if (index > 0 && index % recipientsPerTurn === 0) {
      await nextTurn();
      signal.throwIfAborted();
    }
    const own = recipient.metadata && canonicalJson(recipient.metadata);
    const parsed = parseRecipient(recipient.phone);
    const fault = own === undefined ? undefined : metadataFault(own);
    hash.update(JSON.stringify(["number" in parsed ? parsed.number.e164 : recipient.phone, own ?? null]));
    if ("reason" in parsed || fault !== undefined) {
      rejectedCount++;
      if (rejected.length < maxListedRejections)
        rejected.push(
          "reason" in parsed
            ? { index, field: "phone", reason: parsed.reason }
            : { index, field: "metadata", reason: fault! },
        );
      positions.push(undefined);
      continue;
    }
    const known = positionByKey.get(parsed.number.key);
    positions.push(known ?? recipients.length);
    if (known === undefined) {
      positionByKey.set(parsed.number.key, recipients.length);
      recipients.push({ number: parsed.number, metadata: own });
    }
  }
  if (rejectedCount > 0 && (request.allOrNothing || recipients.length === 0)) throw allRejected(rejected);
  return {
    idempotencyKey: request.idempotencyKey || undefined,
    content,
    metadata,
    recipients,
    positions,
    rejected,
    rejectedCount,
    contentHash: hash.digest(),
  };
}

function contentViolations(request: BulkSendRequest): Violation[] {
  const kind = request.content?.kind;
  if (kind?.case !== "text") return [{ field: "content", reason: "no content given; set content.text.body" }];
  return violation("content.text.body", bodyFault(kind.value.body));
}

function refuseIfAny(violations: readonly Violation[]): void {
  if (violations.length > 0) throw invalid(violations);
}

function allRejected(rejected: readonly Rejection[]): Error {
  return invalid(
    rejected.map(({ index, field, reason }) => ({ field: `recipients[${index}].${field}`, index, reason })),
  );
}
