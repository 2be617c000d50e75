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
import { type Admit, arrive } from "./grpc-admission.ts";
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

/** What every call passes on its way to the handler. */
interface Door {
  readonly desk: CallDesk<unknown>;
  readonly admit: Admit<unknown> | undefined;
}

/** The implementation as grpc-js wants it: bytes in, bytes out, every error a status with details. */
export function bytesHandlers(
  service: DescService,
  implementation: ServiceImplementation<DescService, never>,
  desk: CallDesk<unknown>,
  admit?: Admit<unknown>,
): UntypedServiceImplementation {
  const door = { desk, admit };
  return Object.fromEntries(
    service.methods.map((method) => {
      const handler: unknown = (implementation as Readonly<Record<string, unknown>>)[method.localName];
      if (typeof handler !== "function") throw new Error(`${service.typeName}.${method.name} has no handler`);
      return [method.localName, bytesHandler(method, handler.bind(implementation), door)];
    }),
  );
}

// The one place where handlers lose their types: `ServiceImplementation` has checked them.
function bytesHandler(method: DescMethod, handler: unknown, door: Door) {
  type Answer<R> = (request: R, context: CallContext<unknown>) => Promise<Init>;
  switch (method.methodKind) {
    case "unary":
      return unary(method, handler as Answer<Message>, door);
    case "client_streaming":
      return clientStreaming(method, handler as Answer<AsyncIterable<Message>>, door);
    case "server_streaming":
      return serverStreaming(
        method,
        handler as (request: Message, context: CallContext<unknown>) => AsyncIterable<Init>,
        door,
      );
    case "bidi_streaming":
      throw new Error(`${method.parent.typeName}.${method.name}: bidirectional streams are not supported`);
  }
}

function unary(
  method: DescMethod,
  handler: (request: Message, context: CallContext<unknown>) => Promise<Init>,
  { desk, admit }: Door,
): handleUnaryCall<Buffer, Buffer> {
  return (call, reply) =>
    desk.handle(
      call.metadata,
      async (context) => {
        const leave = await arrive(method, call.request, context, admit);
        try {
          const answer = await handler(parse(method.input, call.request), context);
          const bytes = encode(method.output, answer);
          call.sendMetadata(headersOf(context));
          reply(null, bytes);
        } finally {
          leave();
        }
      },
      (status) => reply(status),
    );
}

function clientStreaming(
  method: DescMethod,
  handler: (requests: AsyncIterable<Message>, context: CallContext<unknown>) => Promise<Init>,
  { desk, admit }: Door,
): handleClientStreamingCall<Buffer, Buffer> {
  return (call, reply) =>
    desk.handle(
      call.metadata,
      async (context) => {
        const requests = requestsOf(method, call, context, { desk, admit });
        try {
          const answer = await handler(requests.messages(), context);
          const bytes = encode(method.output, answer);
          call.sendMetadata(headersOf(context));
          reply(null, bytes);
        } finally {
          requests.leave();
        }
      },
      (status) => reply(status),
    );
}

function serverStreaming(
  method: DescMethod,
  handler: (request: Message, context: CallContext<unknown>) => AsyncIterable<Init>,
  { desk, admit }: Door,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) =>
    desk.handle(
      call.metadata,
      async (context) => {
        // It answers for long, and its request is small once it has been read.
        (await arrive(method, call.request, context, admit))();
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

/** The messages of a stream. Each has its room until the handler asks for the next one, the last until `leave`. */
function requestsOf(
  method: DescMethod,
  call: ServerReadableStream<Buffer, Buffer>,
  context: CallContext<unknown>,
  { desk, admit }: Door,
) {
  let isOver = false;
  let leave = (): void => {};
  return {
    async *messages(): AsyncGenerator<Message> {
      try {
        for await (const bytes of call) {
          leave = await arrive(method, bytes as Buffer, context, admit);
          if (isOver) leave();
          yield parse(method.input, bytes as Buffer);
          leave();
        }
        // A stream that was reset also ends, before anything else is heard of the reset. Taken for the real end, half a
        // request would pass for a whole one.
        await desk.stillThere(call.metadata);
      } catch (error) {
        // A stream that broke off says so in the words of Node's streams; the signal knows why.
        context.signal.throwIfAborted();
        throw error;
      }
    },
    leave(): void {
      isOver = true;
      leave();
    },
  };
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
