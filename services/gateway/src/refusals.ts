import { base64Decode } from "@bufbuild/protobuf/wire";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { createAsyncIterable, encodeEnvelope } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorFromJsonBytes, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { setTrailerStatus, trailerFlag, trailerParse, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { HubError } from "@wahub/domain";
import { type CallFacts, callFactsKey } from "./call-facts.ts";
import { refuse } from "./connect-errors.ts";

// Every refusal carries an ErrorDetail. What handlers throw passes through the interceptor; what the library refuses by
// itself before it calls one (a body it cannot read, a media type it does not know) does not, and gets its detail
// afterwards. The functions of the protocols are the library's internals: look here when it is updated.

/** Turns whatever a handler throws, or the reading of a stream's request, into the error to answer. */
export const refuseInOurWords: Interceptor = (next) => async (req) => {
  const facts = req.contextValues.get(callFactsKey);
  // Only a stream's request has still to be read.
  if (!req.stream) facts.body = undefined;
  const refused = (error: unknown): ConnectError => {
    // A handler whose deadline passed fails in its own way because of that; the deadline is what the caller wants to hear.
    const cause: unknown = req.signal.reason instanceof ConnectError ? req.signal.reason : error;
    return refuse(facts, cause, { schema: req.method.input, header: req.header, body: facts.body });
  };
  try {
    const answer = await next(req);
    return answer.stream ? { ...answer, message: mapErrors(answer.message, refused) } : answer;
  } catch (error) {
    throw refused(error);
  }
};

/** The same handler, with a detail in those refusals that the library makes by itself. */
export function withDetails(handler: UniversalHandler): UniversalHandler {
  const detailed = async (request: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const facts = request.contextValues?.get(callFactsKey);
    if (facts === undefined) return handler(request);
    const unread = () => ({ schema: handler.method.input, header: request.header, body: facts.body });
    let answer: UniversalServerResponse;
    try {
      answer = await handler(request);
    } catch (error) {
      // It leaves the request without any answer then.
      if (!isGrpcWeb(request.header) || !(error instanceof URIError)) throw error;
      // gRPC-Web cannot write what was wrong: half a surrogate pair in the name of a field.
      const refusal = new ConnectError("cannot decode the request", Code.InvalidArgument);
      return grpcWebRefusal(refuse(facts, refusal, unread()), new Headers());
    }
    if (answer.status === 405 || answer.status === 415) return refusedByHttp(answer, facts, request, handler);
    // The errors of streams pass through the interceptor; only very long ones are compressed.
    if (handler.method.methodKind !== "unary" || answer.header?.has("content-encoding") === true) return answer;
    const refused = (error: ConnectError): ConnectError => {
      const cause = error.details.length === 0 && hasTornQuery(request) ? tornQuery : error;
      return refuse(facts, cause, unread());
    };
    if (isGrpcWeb(answer.header)) return detailedGrpcWeb(answer, refused);
    return answer.status === 200 ? answer : detailedConnect(answer, refused);
  };
  return Object.assign(detailed, handler);
}

const tornQuery = new HubError("invalid", "the message in the query is not base64");

/** The library takes that for a fault of the server. */
function hasTornQuery({ method, url }: UniversalServerRequest): boolean {
  const query = new URL(url).searchParams;
  if (method !== "GET" || query.get("base64") !== "1") return false;
  try {
    base64Decode(query.get("message") ?? "");
    return false;
  } catch {
    return true;
  }
}

function isGrpcWeb(header: Headers | undefined): boolean {
  return header?.get("content-type")?.startsWith("application/grpc-web") === true;
}

function refusedByHttp(
  answer: UniversalServerResponse,
  facts: CallFacts,
  request: UniversalServerRequest,
  { method }: UniversalHandler,
): UniversalServerResponse {
  const takesGet =
    method.methodKind === "unary" && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const methods = takesGet ? ["GET", "POST"] : ["POST"];
  const error = refuse(facts, new HubError("invalid", whatHttpRefused(answer.status, request.method, methods)));
  const header = new Headers({ ...Object.fromEntries(answer.header ?? []), "content-type": "application/json" });
  if (answer.status === 405) header.set("allow", methods.join(", "));
  return { status: answer.status, header, body: createAsyncIterable([errorToJsonBytes(error, undefined)]) };
}

function whatHttpRefused(status: number, method: string, methods: readonly string[]): string {
  if (status === 405 || !methods.includes(method)) return `this RPC takes ${methods.join(" and ")}`;
  if (method === "GET") return "a GET says in its query what it asks: ?encoding=json&message=<the request as JSON>";
  return "the content-type must be application/json, application/proto or one of Connect or gRPC-Web";
}

type Refuse = (error: ConnectError) => ConnectError;

async function detailedConnect(answer: UniversalServerResponse, refused: Refuse): Promise<UniversalServerResponse> {
  const bytes = await bytesOf(answer);
  const error = errorFromJsonBytes(bytes, undefined, new ConnectError("", Code.Internal));
  const refusal = refused(error);
  if (refusal === error) return { ...answer, body: createAsyncIterable([bytes]) };
  const body = errorToJsonBytes(refusal, undefined);
  const header = new Headers(answer.header);
  header.set("content-length", String(body.byteLength));
  // What the library does not support is a compression: a fault of the request, which HTTP has a status for.
  const status = refusal.code === Code.Unimplemented ? 415 : codeToHttpStatus(refusal.code);
  return { ...answer, status, header, body: createAsyncIterable([body]) };
}

async function detailedGrpcWeb(answer: UniversalServerResponse, refused: Refuse): Promise<UniversalServerResponse> {
  const bytes = await bytesOf(answer);
  const unchanged = { ...answer, body: createAsyncIterable([bytes]) };
  // An answer starts with its message, a refusal is a trailer from its first byte.
  if (bytes[0] !== trailerFlag) return unchanged;
  const trailer = trailerParse(bytes.subarray(5));
  const error = findTrailerError(trailer);
  if (error === undefined) return unchanged;
  const refusal = refused(error);
  if (refusal === error) return unchanged;
  return { ...grpcWebRefusal(refusal, trailer), header: new Headers(answer.header) };
}

function grpcWebRefusal(refusal: ConnectError, trailer: Headers): UniversalServerResponse {
  setTrailerStatus(trailer, refusal);
  return {
    status: 200,
    header: new Headers({ "content-type": "application/grpc-web+proto" }),
    body: createAsyncIterable([encodeEnvelope(trailerFlag, trailerSerialize(trailer))]),
  };
}

async function* mapErrors<T>(messages: AsyncIterable<T>, refused: (error: unknown) => ConnectError): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw refused(error);
  }
}

async function bytesOf(answer: UniversalServerResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}
