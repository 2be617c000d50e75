import { randomBytes } from "node:crypto";
import { fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "@jest/globals";
import { BulkSendRequestSchema, ListMessagesRequestSchema } from "@wahub/proto";
import { countWireValues, maxValues } from "./value-count.ts";

const wire = (json: JsonValue): Uint8Array => toBinary(BulkSendRequestSchema, fromJson(BulkSendRequestSchema, json));
const count = (json: JsonValue): number => countWireValues(BulkSendRequestSchema, wire(json));

/** `bytes` as a length-delimited field. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
}
const times = (n: number, bytes: Uint8Array): Buffer => Buffer.concat(Array.from({ length: n }, () => bytes));

describe("countWireValues", () => {
  test.each<[JsonValue, number]>([
    [{}, 0],
    [{ recipients: [{}, {}] }, 2],
    [{ recipients: [{ phone: "1" }, { phone: "2" }] }, 4],
    [{ content: { text: { body: "Hello" } } }, 3],
    [{ metadata: {} }, 1],
    [{ metadata: { a: 1, b: "x", c: null, d: true } }, 5],
    [{ metadata: { a: [], b: {} } }, 3],
    [{ metadata: { a: [1, [2, 3], {}], b: { c: { d: [null] } } } }, 11],
    [{ recipients: [{ phone: "1", metadata: { a: [1, 2] } }] }, 6],
  ])("counts the values of %j as JSON has them", (json, values) => {
    expect(count(json)).toBe(values);
  });

  test("counts numbers that lie in a row", () => {
    const statuses = toBinary(ListMessagesRequestSchema, fromJson(ListMessagesRequestSchema, { statuses: [1, 2, 3] }));
    // The list itself is one, too.
    expect(countWireValues(ListMessagesRequestSchema, statuses)).toBe(4);
  });

  test("counts what is repeated where once would do, and what it does not know", () => {
    const content = field(2, new Uint8Array());
    expect(countWireValues(BulkSendRequestSchema, times(1_000, content))).toBe(1_000);
    expect(countWireValues(BulkSendRequestSchema, times(1_000, field(1_000, Uint8Array.of(1))))).toBe(1_000);
    const group = new BinaryWriter().tag(9, WireType.StartGroup).tag(9, WireType.EndGroup).finish();
    expect(countWireValues(BulkSendRequestSchema, times(1_000, group))).toBe(2_000);
    const key = new BinaryWriter().tag(1, WireType.LengthDelimited).string("a").finish();
    const metadata = field(5, field(1, times(1_000, key)));
    expect(countWireValues(BulkSendRequestSchema, metadata)).toBe(1_000);
    const nulls = field(
      5,
      field(1, field(2, times(1_000, new BinaryWriter().tag(1, WireType.Varint).int32(0).finish()))),
    );
    expect(countWireValues(BulkSendRequestSchema, nulls)).toBe(1_001);
  });

  test("stops soon after the limit", () => {
    const bytes = times(1_000, field(3, new Uint8Array()));
    expect(countWireValues(BulkSendRequestSchema, bytes, 10)).toBe(11);
    const lists = field(5, field(1, field(2, field(6, times(maxValues + 10, field(1, new Uint8Array()))))));
    expect(countWireValues(BulkSendRequestSchema, lists)).toBe(maxValues + 1);
  });

  test("comes to an end on bytes that are no message", () => {
    const whole = wire({ recipients: [{ phone: "+12125550123", metadata: { a: [1, { b: "c" }] } }] });
    for (let length = 0; length < whole.length; length += 1) {
      expect(countWireValues(BulkSendRequestSchema, whole.subarray(0, length))).toBeLessThanOrEqual(20);
    }
    for (let round = 0; round < 2_000; round += 1) {
      const noise = randomBytes(round % 200);
      expect(countWireValues(BulkSendRequestSchema, noise)).toBeLessThanOrEqual(noise.length);
    }
    expect(countWireValues(BulkSendRequestSchema, new Uint8Array(100).fill(0xff))).toBeLessThan(10);
  });
});
