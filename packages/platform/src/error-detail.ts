import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import { HubError, type Violation } from "@wahub/domain";
import { type ErrorDetail, ErrorDetailSchema } from "@wahub/proto";
import { errorKindOf, errorKinds } from "./error-kinds.ts";

// The detail travels in a gRPC trailer, and many peers refuse headers of more than 8 KiB in all.
const maxDetailBytes = 4_096;
const maxReasonLength = 200;

/** What a caller gets to see of anything that was thrown: itself if it is a HubError, else a kind and an id to quote. */
export function publicError(error: unknown, requestId: string): HubError {
  if (error instanceof HubError) return error;
  return new HubError("internal", `internal error; quote request id ${requestId}`, { cause: error });
}

/**
 * The machine-readable half of an answer to a refused call, the same on every door. Only as many violations as fit
 * into about 4 KiB.
 */
export function errorDetail(error: unknown, requestId: string): ErrorDetail {
  const { kind, violations, retryAfterMs } = publicError(error, requestId);
  const detail = create(ErrorDetailSchema, { kind: errorKinds[kind].proto, requestId });
  if (retryAfterMs !== undefined) detail.retryAfter = durationFromMs(Math.max(0, Math.ceil(retryAfterMs)));
  let room = maxDetailBytes - toBinary(ErrorDetailSchema, detail).byteLength;
  for (const violation of violations) {
    const one = create(ErrorDetailSchema, { violations: [clipped(violation)] });
    room -= toBinary(ErrorDetailSchema, one).byteLength;
    if (room < 0) break;
    detail.violations.push(...one.violations);
  }
  return detail;
}

/** The error that a detail speaks of; `undefined` if its kind is not known here. */
export function errorOfDetail(detail: ErrorDetail, message: string, cause?: unknown): HubError | undefined {
  const kind = errorKindOf(detail.kind);
  if (kind === undefined) return undefined;
  return new HubError(kind, message, {
    violations: detail.violations.map(({ field, index, reason }) =>
      index === undefined ? { field, reason } : { field, index, reason },
    ),
    ...(detail.retryAfter === undefined ? {} : { retryAfterMs: durationMs(detail.retryAfter) }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function clipped({ field, index, reason }: Violation): Violation {
  const short = reason.length <= maxReasonLength ? reason : `${reason.slice(0, maxReasonLength)}...`;
  return { field: field.toWellFormed(), reason: short.toWellFormed(), ...(index === undefined ? {} : { index }) };
}
