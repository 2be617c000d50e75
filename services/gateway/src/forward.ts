import type { DescMessage, DescService, MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { HubError, invalid } from "@wahub/domain";
import { type CallOptions, type GrpcClient, wireFaults } from "@wahub/platform";
import { callFactsKey } from "./call-facts.ts";

export interface ForwardOptions {
  /** Longest a unary call may take. Streams last as long as the caller wants. */
  readonly callTimeoutMs: number;
  /** Aborted when the gateway begins to stop. */
  readonly stopping: () => AbortSignal;
}

type Message = MessageShape<DescMessage>;
type UnaryCall = (request: Message, options: CallOptions) => Promise<Message>;
type StreamCall = (request: Message, options: CallOptions) => AsyncIterable<Message>;

// The caller's deadline is kept by the signal. The service behind is told of it with this much on top, so that it is
// always the signal that ends a late call and the caller hears of the deadline and not of a broken connection.
const deadlineSlackMs = 50;

/**
 * A handler for every RPC of the service that passes the call on, with its key, request id, deadline and cancellation.
 * A new RPC in the proto needs nothing here. Client streams are refused on purpose: they are taken by gRPC only.
 */
export function forwardTo<S extends DescService>(
  service: S,
  client: GrpcClient<S>,
  options: ForwardOptions,
): Partial<ServiceImpl<S>> {
  const calls = client as unknown as Readonly<Record<string, unknown>>;
  const handlers: Record<string, unknown> = {};
  for (const { name, localName, methodKind, input } of service.methods) {
    const call = calls[localName];
    if (methodKind === "client_streaming" || methodKind === "bidi_streaming") handlers[localName] = refuseStream(name);
    if (methodKind === "unary") handlers[localName] = forwardUnary(input, call as UnaryCall, options);
    if (methodKind === "server_streaming") handlers[localName] = forwardStream(input, call as StreamCall, options);
  }
  return handlers as Partial<ServiceImpl<S>>;
}

function refuseStream(name: string) {
  return (): never => {
    throw new ConnectError(
      `${name} streams its request, which only gRPC takes; call the service itself over gRPC`,
      Code.Unimplemented,
    );
  };
}

function forwardUnary(input: DescMessage, call: UnaryCall, { callTimeoutMs }: ForwardOptions) {
  return (request: Message, context: HandlerContext): Promise<Message> => {
    refuseUnfit(input, request);
    const wantedMs = context.timeoutMs() ?? Infinity;
    return call(request, {
      ...callOptions(context),
      deadlineMs: Math.min(callTimeoutMs, wantedMs + deadlineSlackMs),
      signal: context.signal,
    });
  };
}

function forwardStream(input: DescMessage, call: StreamCall, { stopping }: ForwardOptions) {
  return async function* (request: Message, context: HandlerContext): AsyncGenerator<Message> {
    refuseUnfit(input, request);
    const wantedMs = context.timeoutMs();
    const stop = stopping();
    try {
      yield* call(request, {
        ...callOptions(context),
        ...(wantedMs === undefined ? {} : { deadlineMs: wantedMs + deadlineSlackMs }),
        signal: AbortSignal.any([context.signal, stop]),
      });
    } catch (error) {
      if (stop.aborted) throw new HubError("unavailable", "the gateway is stopping; call again", { cause: error });
      throw error;
    }
  };
}

function callOptions(context: HandlerContext): CallOptions {
  return {
    authorization: context.requestHeader.get("authorization") ?? undefined,
    requestId: context.values.get(callFactsKey).requestId,
  };
}

function refuseUnfit(input: DescMessage, request: Message): void {
  const faults = wireFaults(input, request);
  if (faults.length > 0) throw invalid(faults);
}
