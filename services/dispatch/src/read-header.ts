import { toJson, type JsonObject } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  bodyFault,
  canonicalJson,
  invalid,
  metadataFault,
  textFault,
  violation,
  type Json,
  type Violation,
} from "@wahub/domain";
import { ContentSchema, UnknownPolicy, type Content } from "@wahub/proto";

/** What all recipients of a batch have in common. JSON values are canonical texts. */
export interface BatchHeader {
  readonly idempotencyKey: string | undefined;
  readonly content: string;
  readonly metadata: string | undefined;
  readonly allOrNothing: boolean;
  /** Whether it lies ahead is asked where a new batch begins: a repeated call may come later. */
  readonly expiresAt: Date | undefined;
  /** Never unspecified. */
  readonly unknownPolicy: UnknownPolicy;
}

/** As BulkSendRequest and BulkSendHeader carry it. */
interface HeaderFields {
  readonly idempotencyKey: string;
  readonly content?: Content | undefined;
  readonly metadata?: JsonObject | undefined;
  readonly allOrNothing: boolean;
  readonly expiresAt?: Timestamp | undefined;
  readonly unknownPolicy: UnknownPolicy;
}

/**
 * Reads what comes before the recipients.
 *
 * @throws HubError `invalid` with every fault
 */
export function readHeader(fields: HeaderFields): BatchHeader {
  const metadata = fields.metadata && canonicalJson(fields.metadata);
  const violations = [
    ...violation("idempotency_key", textFault(fields.idempotencyKey)),
    ...contentViolations(fields.content),
    ...violation("metadata", metadata === undefined ? undefined : metadataFault(metadata)),
    ...violation("expires_at", fields.expiresAt && timestampFault(fields.expiresAt)),
  ];
  if (violations.length > 0) throw invalid(violations);
  return {
    idempotencyKey: fields.idempotencyKey || undefined,
    content: canonicalJson(toJson(ContentSchema, fields.content!) as Json),
    metadata,
    allOrNothing: fields.allOrNothing,
    expiresAt: fields.expiresAt && toMilliseconds(fields.expiresAt),
    unknownPolicy: fields.unknownPolicy || UnknownPolicy.ASSUME_SENT,
  };
}

/** Seconds of the years 1 and 9999, between which a Timestamp lies by its definition. */
const firstSecond = -62_135_596_800n;
const lastSecond = 253_402_300_799n;

function timestampFault({ seconds, nanos }: Timestamp): string | undefined {
  const fits = seconds >= firstSecond && seconds <= lastSecond && nanos >= 0 && nanos <= 999_999_999;
  return fits ? undefined : "is not a time between the years 1 and 9999";
}

/** The library rounds, which may be later than what was asked for. */
function toMilliseconds({ seconds, nanos }: Timestamp): Date {
  return new Date(Number(seconds) * 1000 + Math.floor(nanos / 1_000_000));
}

function contentViolations(content: Content | undefined): Violation[] {
  if (content?.kind.case !== "text") return [{ field: "content", reason: "no content given; set content.text.body" }];
  return violation("content.text.body", bodyFault(content.kind.value.body));
}
