import { Code, ConnectError } from "@connectrpc/connect";
import { HubError, invalid } from "@wahub/domain";
import { errorDetail, errorKinds, publicError } from "@wahub/platform";
import { ErrorDetailSchema } from "@wahub/proto";
import { headersOf } from "./answer-headers.ts";
import type { CallFacts } from "./call-facts.ts";
import { bodyTooLarge } from "./body-too-large.ts";
import { explain, type UnreadRequest } from "./explain.ts";

/**
 * Anything thrown, as the Connect and gRPC-Web doors answer it: the code of its kind and an ErrorDetail. The library's
 * own errors (requests that it cannot read, deadlines) get a kind, too; whatever is neither is INTERNAL with the request
 * id and not a word more. Also noted in the facts of the call.
 *
 * @param unread the request, where the library may have failed to read it
 */
export function refuse(facts: CallFacts, error: unknown, unread?: UnreadRequest): ConnectError {
  const refusal = toConnectError(error, facts.requestId, unread);
  facts.code = refusal.code;
  facts.error ??= refusal.cause;
  return refusal;
}

function toConnectError(error: unknown, requestId: string, unread?: UnreadRequest): ConnectError {
  if (!(error instanceof ConnectError)) return build(error, requestId);
  if (error.details.length > 0) return error;
  const { meaning, code } = fromLibrary(error, unread);
  return build(meaning, requestId, code);
}

function build(error: unknown, requestId: string, code?: Code): ConnectError {
  const shown = publicError(error, requestId);
  return new ConnectError(
    // gRPC-Web percent-encodes it, which half a surrogate pair makes fail.
    shown.message.toWellFormed(),
    code ?? codeOf(errorKinds[shown.kind].grpc),
    headersOf(shown),
    [{ desc: ErrorDetailSchema, value: errorDetail(shown, requestId) }],
    shown,
  );
}

/** Connect's codes are those of gRPC under names of its own. */
function codeOf(grpcCode: number): Code {
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the same numbers by specification
  return grpcCode;
}

interface Meaning {
  readonly meaning: unknown;
  /** Where gRPC has a better code than that of the kind. */
  readonly code?: Code;
}

const meanings: ReadonlyMap<Code, (text: string) => Meaning> = new Map<Code, (text: string) => Meaning>([
  [Code.InvalidArgument, (text) => ({ meaning: unreadable(text) })],
  [Code.ResourceExhausted, () => ({ meaning: bodyTooLarge() })],
  [Code.Unimplemented, (text) => ({ meaning: new HubError("invalid", text), code: Code.Unimplemented })],
  [
    Code.DeadlineExceeded,
    () => ({
      meaning: new HubError("unavailable", "the deadline passed before an answer came"),
      code: Code.DeadlineExceeded,
    }),
  ],
  [Code.Canceled, () => ({ meaning: new HubError("unavailable", "the call was canceled"), code: Code.Canceled })],
]);

/** What an error of the library means to the caller. */
function fromLibrary(error: ConnectError, unread: UnreadRequest | undefined): Meaning {
  // The library takes unreadable bytes and messages for faults of the server.
  if (/^(?:parse binary|cannot decode)/.test(error.rawMessage)) {
    return { meaning: (unread && explain(unread)) ?? unreadable(error.rawMessage) };
  }
  if (error.rawMessage.startsWith("received compressed envelope")) {
    return { meaning: new HubError("invalid", "a compressed message, and no header says how it was compressed") };
  }
  return meanings.get(error.code)?.(error.rawMessage) ?? { meaning: error };
}

/**
 * The library's words about a request that it cannot read, where the request itself explains nothing; without what they
 * quote of it: that may be a text or a phone number.
 */
function unreadable(text: string): HubError {
  const json = /^cannot decode (?:field |message |enum )?(?:whatsapphub\.v1\.)?(\S+) from JSON:? (.*)$/s.exec(text);
  if (!json) return new HubError("invalid", text.startsWith("parse binary") ? "the request is not readable" : text);
  const [, field = "", problem = ""] = json;
  const unknownKey = /^key "(.*)" is unknown$/s.exec(problem)?.[1];
  if (unknownKey !== undefined)
    return invalid([{ field: `${field}.${clip(unknownKey)}`, reason: "there is no such field" }]);
  if (
    /^(Unexpected|Expected|Unterminated|Bad|Invalid|No|Exponent)\b/.test(problem) ||
    problem.startsWith("duplicate object key")
  ) {
    return new HubError("invalid", "the request is not valid JSON");
  }
  const harmless =
    /^(?:list item #\d+: )?(?:expected [\w ()]+|list item must not be null|maximum recursion depth of \d+ reached|(?:oneof )?set multiple times.*)/s;
  return invalid([{ field, reason: harmless.exec(problem)?.[0] ?? "the value does not fit" }]);
}

function clip(name: string): string {
  return name.length <= 100 ? name : `${name.slice(0, 100)}...`;
}
