import type { JsonObject } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Order, Request } from "../doors/index.ts";
import { bytesOf } from "../doors/order-forms.ts";

export const phone = "+12125550123";
export const other = "+12125550124";
export const good: Order = { text: "Hello", recipients: [{ phone }] };
export const halfPair = "\ud800";

export function nested(levels: number): JsonObject {
  let value: JsonObject = { a: 1 };
  for (let level = 1; level < levels; level++) value = { a: value };
  return value;
}

/** A JSON object of exactly so many bytes. */
export function metadataOf(bytes: number): JsonObject {
  return { k: "x".repeat(bytes - JSON.stringify({ k: "" }).length) };
}

/** The good order with one more field of the message. */
export function withField(number: number, bytes: Uint8Array): Uint8Array {
  const field = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
  return Buffer.concat([bytesOf(good), field]);
}

export const goodJson = JSON.stringify({ content: { text: { body: "Hello" } }, recipients: [{ phone }] });
export const goodRest = JSON.stringify({ message: "Hello", recipients: [{ phone }] });
export const plus = (json: string, more: string): string => `${json.slice(0, -1)},${more}}`;

/** The good order with more fields, the same for both vocabularies. */
export const bothPlus = (more: string): Request => ({ json: plus(goodJson, more), restJson: plus(goodRest, more) });
export const recipientsJson = (recipients: string): Request => ({
  json: `{"content":{"text":{"body":"Hello"}},"recipients":${recipients}}`,
  restJson: `{"message":"Hello","recipients":${recipients}}`,
});

const oddEnd = String.raw` \u0000 {{1}} %s`;
/** As large, deep and odd as is allowed. */
export const fullOrder = {
  text: "\u{1F600}".repeat(1600 - oddEnd.length) + oddEnd,
  recipients: [
    { phone, metadata: metadataOf(4096) },
    {
      phone: other,
      metadata: JSON.parse(String.raw`{"__proto__":{"a":[null,-1.5e308,{}]},"":"\\u0000 \\ud800"}`) as JsonObject,
    },
    { phone: "+12125550125" },
  ],
  metadata: nested(32),
} satisfies Order;
