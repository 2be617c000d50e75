import { once } from "node:events";
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type CallOptions as GrpcCallOptions, type Client, Metadata, type ServiceError } from "@grpc/grpc-js";
import { HubError } from "@wahub/domain";
import { fromGrpcError } from "./grpc-errors.ts";
import { bytesMethod, decode, encode } from "./grpc-method.ts";
import { requestIdHeader } from "./request-id.ts";

/** What a caller can say about one call. */
export interface CallOptions {
  /** Passed on as it is: `Bearer <key>`. */
  readonly authorization?: string | undefined;
  readonly requestId?: string | undefined;
  /** More metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** From now. Overrides the client's; for streams there is none unless given here. */
  readonly deadlineMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
}

const printable = /^[ -~]+$/;

export type Message = MessageShape<DescMessage>;
export type Init = MessageInitShape<DescMessage>;

/** One request, one answer. */
export async function unary(
  client: Client,
  method: DescMethod,
  request: Init,
  options: CallOptions,
  defaultDeadlineMs: number,
): Promise<Message> {
  const bytes = encode(method.input, request);
  const { path, requestSerialize, responseDeserialize } = bytesMethod(method);
  const answer = Promise.withResolvers<Buffer>();
  const call = client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    bytes,
    metadataOf(options),
    grpcOptions(options.deadlineMs ?? defaultDeadlineMs),
    settle(answer),
  );
  const release = cancelOn(options.signal, call);
  try {
    return decode(method.output, await answer.promise);
  } catch (error) {
    throw fromGrpcError(error);
  } finally {
    release();
  }
}

/** One request, many answers: the call begins with the iteration and is canceled when it is left. */
export async function* serverStream(
  client: Client,
  method: DescMethod,
  request: Init,
  options: CallOptions,
): AsyncGenerator<Message> {
  const { path, requestSerialize, responseDeserialize } = bytesMethod(method);
  const call = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    encode(method.input, request),
    metadataOf(options),
    grpcOptions(options.deadlineMs),
  );
  // Canceling makes it emit an error, also after nobody listens any more.
  call.on("error", doNothing);
  const release = cancelOn(options.signal, call);
  try {
    for await (const bytes of call) yield decode(method.output, bytes as Buffer);
  } catch (error) {
    throw fromGrpcError(error);
  } finally {
    release();
    call.cancel();
  }
}

/**
 * Many requests, one answer, which may come before all requests are sent; the rest is then not asked for. An error of
 * the requests themselves cancels the call and is thrown as it is.
 */
export async function clientStream(
  client: Client,
  method: DescMethod,
  requests: AsyncIterable<Init>,
  options: CallOptions,
): Promise<Message> {
  const { path, requestSerialize, responseDeserialize } = bytesMethod(method);
  const over = new AbortController();
  const answer = Promise.withResolvers<Buffer>();
  const call = client.makeClientStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    metadataOf(options),
    grpcOptions(options.deadlineMs),
    settle(answer),
  );
  call.on("error", doNothing);
  const release = cancelOn(options.signal, call);
  const received = answer.promise
    .then(
      (bytes) => decode(method.output, bytes),
      (error: unknown) => Promise.reject(fromGrpcError(error)),
    )
    .finally(() => over.abort());
  const sendAll = async (): Promise<Message> => {
    for await (const request of requests) {
      if (over.signal.aborted) break;
      if (!call.write(encode(method.input, request))) await drained(call, over.signal);
    }
    call.end();
    return received;
  };
  try {
    return await Promise.race([received, sendAll()]);
  } catch (error) {
    call.cancel();
    throw error;
  } finally {
    release();
  }
}

async function drained(call: NodeJS.EventEmitter, over: AbortSignal): Promise<void> {
  if (over.aborted) return;
  await once(call, "drain", { signal: over }).catch(() => undefined);
}

function settle(answer: PromiseWithResolvers<Buffer>) {
  return (error: ServiceError | null, value?: Buffer): void => {
    if (error === null && value !== undefined) answer.resolve(value);
    else answer.reject(error);
  };
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
  const { authorization, requestId } = options;
  if (authorization !== undefined) {
    // HTTP lets more through than gRPC; what gRPC cannot carry cannot be one of our keys.
    if (!printable.test(authorization)) throw new HubError("unauthenticated", "the credentials are not readable");
    metadata.set("authorization", authorization);
  }
  if (requestId !== undefined && printable.test(requestId)) metadata.set(requestIdHeader, requestId);
  return metadata;
}

function grpcOptions(deadlineMs: number | undefined): GrpcCallOptions {
  return deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
}

function doNothing(): void {}

/** Cancels the call when the signal is aborted; the returned function takes the listener away again. */
function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void }): () => void {
  if (signal === undefined) return doNothing;
  const cancel = (): void => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  return () => signal.removeEventListener("abort", cancel);
}
