import { bytesOf } from "../doors/order-forms.ts";
import { at, type BadCase, invalid } from "./bad-case.ts";
import { good, goodJson, goodRest, withField } from "./orders.ts";

export const encodings: readonly BadCase[] = [
  {
    name: "JSON that breaks off",
    request: { json: goodJson.slice(0, -2), restJson: goodRest.slice(0, -2) },
    answer: { kind: "invalid", violations: [], message: "the request is not valid JSON" },
  },
  {
    name: "a message that breaks off",
    request: { bytes: bytesOf(good).subarray(0, -2) },
    answer: {
      kind: "invalid",
      violations: [],
      message: "the request is not a readable whatsapphub.v1.BulkSendRequest",
    },
  },
  {
    name: "bytes that are no message",
    request: { bytes: new Uint8Array(100).fill(0xff) },
    answer: {
      kind: "invalid",
      violations: [],
      message: "the request is not a readable whatsapphub.v1.BulkSendRequest",
    },
  },
  {
    name: "bytes that are no UTF-8 in the idempotency key",
    request: { bytes: withField(1, Uint8Array.of(0xed, 0xa0, 0x80)) },
    answer: invalid(at("idempotency_key", "text is not valid UTF-8")),
  },
  {
    name: "bytes that are no UTF-8 in a number",
    request: { bytes: withField(3, Uint8Array.of(0x0a, 1, 0xff)) },
    answer: invalid(at("recipients[1].phone", "text is not valid UTF-8")),
  },
  {
    name: "unknown fields of protobuf, which newer clients send",
    request: { bytes: withField(1000, Uint8Array.of(1, 2, 3)) },
    answer: { accepted: 1, rejected: [] },
  },
];
