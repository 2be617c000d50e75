import { toJson, type JsonObject } from "@bufbuild/protobuf";
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
import { ContentSchema, type Content } from "@wahub/proto";

/** What all recipients of a batch have in common. JSON values are canonical texts. */
export interface BatchHeader {
  readonly idempotencyKey: string | undefined;
  readonly content: string;
  readonly metadata: string | undefined;
  readonly allOrNothing: boolean;
}

/** As BulkSendRequest and BulkSendHeader carry it. */
interface HeaderFields {
  readonly idempotencyKey: string;
  readonly content?: Content | undefined;
  readonly metadata?: JsonObject | undefined;
  readonly allOrNothing: boolean;
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
  ];
  if (violations.length > 0) throw invalid(violations);
  return {
    idempotencyKey: fields.idempotencyKey || undefined,
    content: canonicalJson(toJson(ContentSchema, fields.content!) as Json),
    metadata,
    allOrNothing: fields.allOrNothing,
  };
}

function contentViolations(content: Content | undefined): Violation[] {
  if (content?.kind.case !== "text") return [{ field: "content", reason: "no content given; set content.text.body" }];
  return violation("content.text.body", bodyFault(content.kind.value.body));
}
