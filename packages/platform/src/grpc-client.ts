import type { DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { type ChannelCredentials, Client, credentials } from "@grpc/grpc-js";
import { type CallOptions, clientStream, type Init, serverStream, unary } from "./grpc-client-calls.ts";
import { clientChannelOptions } from "./grpc-client-channel.ts";
import { defaultMaxMessageBytes, type InputOf, type MethodsOf, type OutputOf } from "./grpc-method.ts";

export interface GrpcClientOptions {
  /**
   * Methods (as in the proto: `BulkSend`) that may be called again by themselves when the service is UNAVAILABLE. Those
   * marked NO_SIDE_EFFECTS in the proto always are.
   */
  readonly retryMethods?: readonly string[];
  /** For unary calls; 30 s by default. Streams have none. */
  readonly deadlineMs?: number;
  readonly maxMessageBytes?: number;
  /** How often a connection is asked whether it still stands (30 s), and how long it may take to say so (5 s). */
  readonly keepaliveTimeMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** Plain text by default. */
  readonly credentials?: ChannelCredentials;
}

/** One function per method. Whatever goes wrong is thrown as HubError. */
export type GrpcClient<S extends DescService> = {
  readonly [K in keyof MethodsOf<S>]: ClientMethod<MethodsOf<S>[K]>;
} & {
  /** Lets go of the connections; calls under way finish. */
  close(): void;
};

/** A method as a client calls it. A stream's call begins when it is iterated and is canceled when the loop is left. */
export type ClientMethod<M> = M extends { methodKind: "unary" }
  ? (request: MessageInitShape<InputOf<M>>, options?: CallOptions) => Promise<MessageShape<OutputOf<M>>>
  : M extends { methodKind: "server_streaming" }
    ? (request: MessageInitShape<InputOf<M>>, options?: CallOptions) => AsyncIterable<MessageShape<OutputOf<M>>>
    : M extends { methodKind: "client_streaming" }
      ? (
          requests: AsyncIterable<MessageInitShape<InputOf<M>>>,
          options?: CallOptions,
        ) => Promise<MessageShape<OutputOf<M>>>
      : never;

/**
 * A client for a generated service. The target is `host:port` or, to spread calls over all replicas behind a headless
 * service, `dns:///name:port`. Connects when the first call is made.
 */
export function createGrpcClient<S extends DescService>(
  service: S,
  target: string,
  options: GrpcClientOptions = {},
): GrpcClient<S> {
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const client = new Client(
    target,
    options.credentials ?? credentials.createInsecure(),
    clientChannelOptions(service, { ...options, maxMessageBytes }),
  );
  const methods = service.methods.map((method) => [
    method.localName,
    clientMethod(client, method, options.deadlineMs ?? 30_000),
  ]);
  return { ...Object.fromEntries(methods), close: () => client.close() } as GrpcClient<S>;
}

function clientMethod(client: Client, method: DescMethod, defaultDeadlineMs: number) {
  switch (method.methodKind) {
    case "unary":
      return (request: Init, options: CallOptions = {}) => unary(client, method, request, options, defaultDeadlineMs);
    case "server_streaming":
      return (request: Init, options: CallOptions = {}) => serverStream(client, method, request, options);
    case "client_streaming":
      return (requests: AsyncIterable<Init>, options: CallOptions = {}) =>
        clientStream(client, method, requests, options);
    case "bidi_streaming":
      return () => {
        throw new Error(`${method.parent.typeName}.${method.name}: bidirectional streams are not supported`);
      };
  }
}
