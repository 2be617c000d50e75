import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerReadableStream,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { invalid } from "@wahub/domain";
import type { CallContext } from "./call-context.ts";
import type { CallDesk } from "./grpc-calls.ts";
import { decode, encode, type InputOf, type MethodsOf, type OutputOf } from "./grpc-method.ts";
import { requestIdHeader } from "./request-id.ts";
import { unreadable } from "./unreadable.ts";
import { validate } from "./validation.ts";
import { wireFaults } from "./wire-faults.ts";

/** One handler per method of the service. Requests arrive authenticated and valid; throw HubError to refuse. */
export type ServiceImplementation<S extends DescService, Caller = undefined> = {
  readonly [K in keyof MethodsOf<S>]: MethodHandler<MethodsOf<S>[K], Caller>;
};

/** The handler of one method, by how it streams. Bidirectional streams are missing on purpose: no API of ours has one. */
export type MethodHandler<M, Caller = undefined> = M extends { methodKind: "unary" }
  ? (request: MessageShape<InputOf<M>>, context: CallContext<Caller>) => Promise<MessageInitShape<OutputOf<M>>>
  : M extends { methodKind: "server_streaming" }
    ? (request: MessageShape<InputOf<M>>, context: CallContext<Caller>) => AsyncIterable<MessageInitShape<OutputOf<M>>>
    : M extends { methodKind: "client_streaming" }
      ? (
          requests: AsyncIterable<MessageShape<InputOf<M>>>,
          context: CallContext<Caller>,
        ) => Promise<MessageInitShape<OutputOf<M>>>
      : never;

type Message = MessageShape<DescMessage>;
type Init = MessageInitShape<DescMessage>;

/** The implementation as grpc-js wants it: bytes in, bytes out, every error a status with details. */
export function bytesHandlers(
  service: DescService,
  implementation: ServiceImplementation<DescService, never>,
  desk: CallDesk<unknown>,
): UntypedServiceImplementation {
  return Object.fromEntries(
    service.methods.map((method) => {
      const handler: unknown = (implementation as Readonly<Record<string, unknown>>)[method.localName];
      if (typeof handler !== "function") throw new Error(`${service.typeName}.${method.name} has no handler`);
      return [method.localName, bytesHandler(method, handler.bind(implementation), desk)];
    }),
  );
}

// The one place where handlers lose their types: `ServiceImplementation` has checked them.
function bytesHandler(method: DescMethod, handler: unknown, desk: CallDesk<unknown>) {
  type Answer<R> = (request: R, context: CallContext<unknown>) => Promise<Init>;
  switch (method.methodKind) {
    case "unary":
      return unary(method, handler as Answer<Message>, desk);
    case "client_streaming":
      return clientStreaming(method, handler as Answer<AsyncIterable<Message>>, desk);
    case "server_streaming":
      return serverStreaming(
        method,
        handler as (request: Message, context: CallContext<unknown>) => AsyncIterable<Init>,
        desk,
      );
    case "bidi_streaming":
      throw new Error(`${method.parent.typeName}.${method.name}: bidirectional streams are not supported`);
  }
}

function unary(
  method: DescMethod,
  handler: (request: Message, context: CallContext<unknown>) => Promise<Init>,
  desk: CallDesk<unknown>,
): handleUnaryCall<Buffer, Buffer> {
  return (call, reply) =>
    desk.handle(
      call.metadata,
      async (context) => {
        const answer = await handler(parse(method.input, call.request), context);
        const bytes = encode(method.output, answer);
        call.sendMetadata(headersOf(context));
        reply(null, bytes);
      },
      (status) => reply(status),
    );
}

function clientStreaming(
  method: DescMethod,
  handler: (requests: AsyncIterable<Message>, context: CallContext<unknown>) => Promise<Init>,
  desk: CallDesk<unknown>,
): handleClientStreamingCall<Buffer, Buffer> {
  return (call, reply) =>
    desk.handle(
      call.metadata,
      async (context) => {
        const answer = await handler(requestsOf(method.input, call, context, desk), context);
        const bytes = encode(method.output, answer);
        call.sendMetadata(headersOf(context));
        reply(null, bytes);
      },
      (status) => reply(status),
    );
}

function serverStreaming(
  method: DescMethod,
  handler: (request: Message, context: CallContext<unknown>) => AsyncIterable<Init>,
  desk: CallDesk<unknown>,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) =>
    desk.handle(
      call.metadata,
      async (context) => {
        let first = true;
        for await (const message of handler(parse(method.input, call.request), context)) {
          if (context.signal.aborted) return;
          // Not before the first message: a client may retry a call as long as it has heard nothing of it.
          if (first) call.sendMetadata(headersOf(context));
          first = false;
          if (!call.write(encode(method.output, message))) await drained(call, context.signal);
        }
        call.end();
      },
      (status) => call.emit("error", status),
    );
}

async function* requestsOf(
  schema: DescMessage,
  call: ServerReadableStream<Buffer, Buffer>,
  context: CallContext<unknown>,
  desk: CallDesk<unknown>,
): AsyncGenerator<Message> {
  try {
    for await (const bytes of call) yield parse(schema, bytes as Buffer);
    // A stream that was reset also ends, before anything else is heard of the reset. Taken for the real end, half a
    // request would pass for a whole one.
    await desk.stillThere(call.metadata);
  } catch (error) {
    // A stream that broke off says so in the words of Node's streams; the signal knows why.
    context.signal.throwIfAborted();
    throw error;
  }
}

function parse(schema: DescMessage, bytes: Buffer): Message {
  let message: Message;
  try {
    message = decode(schema, bytes);
  } catch (cause) {
    throw unreadable(schema, bytes, cause);
  }
  const faults = wireFaults(schema, message);
  if (faults.length > 0) throw invalid(faults);
  validate(schema, message);
  return message;
}

function headersOf(context: CallContext<unknown>): Metadata {
  const metadata = new Metadata();
  metadata.set(requestIdHeader, context.requestId);
  return metadata;
}

// Resolves when the stream takes more or the call is over, and leaves no listener behind either way.
function drained(call: ServerWritableStream<Buffer, Buffer>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    if (signal.aborted) return done();
    call.on("drain", done);
    signal.addEventListener("abort", done);
  });
}
