import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";

/** The request message of a method of a generated service. */
export type InputOf<M> = M extends { input: infer D extends DescMessage } ? D : never;
/** The response message of a method of a generated service. */
export type OutputOf<M> = M extends { output: infer D extends DescMessage } ? D : never;
/** The methods of a generated service by their names in TypeScript. */
export type MethodsOf<S extends DescService> = S["method"];

/** 16 MiB: the largest message either side takes or sends. */
export const defaultMaxMessageBytes = 16 * 1024 * 1024;

/**
 * A method for grpc-js whose messages are bytes. Reading and writing them is left to us, because errors that are thrown
 * inside grpc-js reach nobody's log and the caller as INTERNAL.
 */
export function bytesMethod(method: DescMethod): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
    originalName: method.localName,
  };
}

/** The message as bytes. Throws if a value does not fit its field. */
export function encode<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Buffer {
  const bytes = toBinary(schema, create(schema, message));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The message in the bytes. Throws if there is none. */
export function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  return fromBinary(schema, bytes);
}

function same(bytes: Buffer): Buffer {
  return bytes;
}
