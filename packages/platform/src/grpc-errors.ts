import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { type ErrorKindName, HubError } from "@wahub/domain";
import { ErrorDetailSchema, RpcStatusSchema } from "@wahub/proto";
import { errorDetail, errorOfDetail, publicError } from "./error-detail.ts";
import { errorKinds } from "./error-kinds.ts";
import { requestIdHeader } from "./request-id.ts";
import { tooLarge } from "./too-large.ts";

const detailsTrailer = "grpc-status-details-bin";
const maxMessageLength = 1_000;

// These say nothing about the request: the same call may succeed in a moment.
const passing = new Set<status>([status.DEADLINE_EXCEEDED, status.CANCELLED, status.ABORTED]);
// Said in our own words: the transport's name addresses of ours, or are no help.
const texts: ReadonlyMap<status, string> = new Map([
  [status.DEADLINE_EXCEEDED, "the deadline passed before an answer came"],
  [status.CANCELLED, "the call was canceled"],
  [status.UNAVAILABLE, "the service cannot be reached right now"],
  [status.UNIMPLEMENTED, "this version of the service does not know the method"],
]);

// How the texts of grpc-js begin for requests that it cannot read; it takes some of them for faults of the server.
const libraryTexts: ReadonlyMap<string, string> = new Map([
  ["Invalid grpc-timeout value", "the grpc-timeout is not readable"],
  // Only those of health and reflection are read by the library.
  ["Error deserializing request", "the request is not readable"],
  ["Failed to decompress message", "the request cannot be decompressed"],
  ["Received message compressed with unsupported encoding", "requests may be compressed by gzip or deflate only"],
  ["Received no request message", "the call has no request"],
  ["Received a second request message", "the call has more than one request"],
]);

/**
 * The status of a refused call: the code of the error's kind, its message, and an ErrorDetail in the trailer that gRPC
 * has for that. Anything but a HubError becomes INTERNAL with the request id and not a word more.
 *
 * @param ownCode where gRPC has a better code than that of the kind
 */
export function toGrpcStatus(error: unknown, requestId: string, ownCode?: status): StatusObject {
  const shown = publicError(error, requestId);
  const code = ownCode ?? errorKinds[shown.kind].grpc;
  // grpc-js encodes the text with encodeURI, which throws on half a surrogate pair.
  const details = shown.message.slice(0, maxMessageLength).toWellFormed();
  const envelope = create(RpcStatusSchema, {
    code,
    message: details,
    details: [anyPack(ErrorDetailSchema, errorDetail(shown, requestId))],
  });
  const metadata = new Metadata();
  metadata.set(detailsTrailer, Buffer.from(toBinary(RpcStatusSchema, envelope)));
  metadata.set(requestIdHeader, requestId);
  return { code, details, metadata };
}

/** What a call to another service failed with, as that service meant it; where it left no detail, judged by the code. */
export function fromGrpcError(error: unknown): HubError {
  if (error instanceof HubError) return error;
  if (!isServiceError(error)) return new HubError("internal", "the call failed", { cause: error });
  const details = error.details || statusName(error.code);
  return (
    detailed(error, details) ??
    tooLargeToSend(error) ??
    new HubError(kindOf(error), texts.get(error.code) ?? details, { cause: error })
  );
}

/** A request that grpc-js refuses by itself: its answer in our words. */
export interface LibraryRefusal {
  readonly error: HubError;
  readonly code?: status;
}

/** What grpc-js means by a status that it made by itself on a server; undefined where that is no refusal of the request. */
export function libraryRefusal({
  code,
  details: text,
}: Pick<StatusObject, "code" | "details">): LibraryRefusal | undefined {
  const limit = /^Received message (?:larger than max \(\d+ vs|that decompresses to a size larger than) (\d+)/.exec(
    text,
  )?.[1];
  if (code === status.RESOURCE_EXHAUSTED && limit !== undefined) return { error: tooLarge(Number(limit)) };
  const meaning = [...libraryTexts].find(([beginning]) => text.startsWith(beginning))?.[1];
  if (meaning === undefined) return undefined;
  return { error: new HubError("invalid", meaning), ...(code === status.UNIMPLEMENTED ? { code } : {}) };
}

/** Name of a gRPC code as it is in the specification, for labels and logs. */
export function statusName(code: number): string {
  return status[code] ?? "UNKNOWN";
}

/** Our own side would not send it. */
function tooLargeToSend({ code, details }: ServiceError): HubError | undefined {
  const limit = /^Attempted to send message with a size larger than (\d+)/.exec(details)?.[1];
  return code === status.RESOURCE_EXHAUSTED && limit !== undefined ? tooLarge(Number(limit)) : undefined;
}

function detailed(error: ServiceError, message: string): HubError | undefined {
  const [trailer] = error.metadata?.get(detailsTrailer) ?? [];
  if (!Buffer.isBuffer(trailer)) return undefined;
  try {
    for (const any of fromBinary(RpcStatusSchema, trailer).details) {
      const detail = anyUnpack(any, ErrorDetailSchema);
      if (detail !== undefined) return errorOfDetail(detail, message, error);
    }
  } catch {
    // Not ours, or damaged: the code alone has to do.
  }
  return undefined;
}

function kindOf({ code, details }: ServiceError): ErrorKindName {
  // The transport refuses messages over its size limit with the code that we use for rates.
  if (code === status.RESOURCE_EXHAUSTED && details.includes("larger than")) return "invalid";
  if (code === status.OUT_OF_RANGE) return "invalid";
  if (passing.has(code)) return "unavailable";
  return (Object.keys(errorKinds) as ErrorKindName[]).find((kind) => errorKinds[kind].grpc === code) ?? "internal";
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}
