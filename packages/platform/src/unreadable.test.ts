import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import { BulkSendRequestSchema } from "@wahub/proto";
import { unreadable } from "./unreadable.ts";

const recipientsField = 3;
const metadataField = 5;
const tooDeep = "is nested more than 32 levels deep";
const notUtf8 = "text is not valid UTF-8";

const good = toBinary(
  BulkSendRequestSchema,
  create(BulkSendRequestSchema, {
    idempotencyKey: "k",
    recipients: [{ phone: "+1", metadata: { a: [1, "b", { c: null }] } }],
    metadata: { d: {} },
  }),
);

/** `bytes` as a length-delimited field. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
}

/** A Struct of one entry whose key and value are these bytes. */
function struct(key: Uint8Array, value: Uint8Array): Uint8Array {
  return field(1, Buffer.concat([field(1, key), field(2, value)]));
}

function nestedStruct(levels: number): Uint8Array {
  let inner: Uint8Array = struct(Buffer.from("a"), Uint8Array.of(0x20, 1));
  for (let level = 1; level < levels; level++) inner = struct(Buffer.from("a"), field(5, inner));
  return inner;
}

function nestedList(levels: number): Uint8Array {
  let inner: Uint8Array = Uint8Array.of(0x20, 1);
  for (let level = 0; level < levels; level++) inner = field(6, field(1, inner));
  return struct(Buffer.from("a"), inner);
}

const halfPair = Uint8Array.of(0xed, 0xa0, 0x80);
const message = (...fields: Uint8Array[]): Uint8Array => Buffer.concat([good, ...fields]);
const recipient = (inner: Uint8Array): Uint8Array => field(recipientsField, inner);

describe("bytes that are no message", () => {
  test.each<[string, Uint8Array, object]>([
    ["objects without end", message(field(metadataField, nestedStruct(5_000))), { field: "metadata", reason: tooDeep }],
    ["lists without end", message(field(metadataField, nestedList(5_000))), { field: "metadata", reason: tooDeep }],
    [
      "the same in the second recipient",
      message(recipient(field(2, nestedStruct(60)))),
      { field: "recipients[1].metadata", index: 1, reason: tooDeep },
    ],
    ["a key that is no text", message(field(1, halfPair)), { field: "idempotency_key", reason: notUtf8 }],
    [
      "a number that is no text",
      message(recipient(field(1, halfPair))),
      { field: "recipients[1].phone", index: 1, reason: notUtf8 },
    ],
    [
      "metadata with a value that is no text",
      message(recipient(field(2, struct(Buffer.from("a"), field(3, halfPair))))),
      { field: "recipients[1].metadata", index: 1, reason: notUtf8 },
    ],
    [
      "metadata with a name that is no text",
      message(field(metadataField, struct(halfPair, Uint8Array.of(0x20, 1)))),
      { field: "metadata", reason: notUtf8 },
    ],
  ])("%s: the place is named", (_what, bytes, fault) => {
    expect(() => fromBinary(BulkSendRequestSchema, bytes)).toThrow();
    expect(unreadable(BulkSendRequestSchema, bytes)).toMatchObject({ kind: "invalid", violations: [fault] });
  });

  test.each<[string, Uint8Array]>([
    ["nothing like it", Uint8Array.of(255, 255, 255)],
    ["one that was torn", good.subarray(0, -3)],
    ["groups without end", new Uint8Array(10_000).fill(0x33)],
  ])("%s: what can be said is that it is not readable", (_what, bytes) => {
    expect(() => fromBinary(BulkSendRequestSchema, bytes)).toThrow();
    expect(unreadable(BulkSendRequestSchema, bytes)).toMatchObject({
      kind: "invalid",
      message: "the request is not a readable whatsapphub.v1.BulkSendRequest",
      violations: [],
    });
  });
});
