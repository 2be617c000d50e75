import { randomUUID } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ErrorKindName, Violation } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import type { Accepted, DoorName, Order, Refusal, Request } from "./doors/index.ts";
import { bytesOf } from "./doors/order-forms.ts";

const jsonDoors: readonly DoorName[] = ["Connect JSON", "REST"];
const binaryDoors: readonly DoorName[] = ["gRPC", "Connect binary", "gRPC-Web"];
const rpcDoors: readonly DoorName[] = ["gRPC", "Connect binary", "Connect JSON", "gRPC-Web"];
const allDoors: readonly DoorName[] = ["gRPC", "gRPC stream", "Connect binary", "Connect JSON", "gRPC-Web", "REST"];

/** The doors that a request goes through, unless its case says otherwise. */
export function doorsFor(request: Request): readonly DoorName[] {
  if ("order" in request) return allDoors;
  if ("bytes" in request) return binaryDoors;
  return "json" in request ? jsonDoors : rpcDoors;
}

/** What exists before the cases run. */
export interface Known {
  readonly batchId: string;
  readonly messageId: string;
  /** The next page of the batch. */
  readonly pageToken: string;
  /** An idempotency key that belongs to another order. */
  readonly usedKey: string;
  readonly key: string;
  /** Of a tenant that has no sender. */
  readonly otherKey: string;
}

export interface BadCase {
  readonly name: string;
  readonly request: Request | ((known: Known) => Request);
  /** The doors that can say it, if not all that take such a request. */
  readonly only?: readonly DoorName[];
  /** The whole header; undefined sends none. */
  readonly authorization?: (known: Known) => string | undefined;
  readonly answer: Expected | ((known: Known) => Expected);
  /** Where a door has to say something else. */
  readonly apart?: Readonly<Partial<Record<DoorName, Partial<Refusal> | Accepted>>>;
}

/** Either it is taken with this result, or it is refused like this. */
export type Expected = Accepted | ExpectedRefusal;

export interface ExpectedRefusal {
  readonly kind: ErrorKindName;
  readonly violations?: readonly Violation[];
  /** Where there are no violations to say it. */
  readonly message?: string;
}

const phone = "+12125550123";
const other = "+12125550124";
const good: Order = { text: "Hello", recipients: [{ phone }] };
const mebibyte = 1024 * 1024;
const halfPair = "\ud800";

function invalid(...violations: readonly Violation[]): ExpectedRefusal {
  return { kind: "invalid", violations };
}

function at(field: string, reason: string): Violation {
  const index = /\[(\d+)\]/.exec(field)?.[1];
  return index === undefined ? { field, reason } : { field, index: Number(index), reason };
}

function nested(levels: number): JsonObject {
  let value: JsonObject = { a: 1 };
  for (let level = 1; level < levels; level++) value = { a: value };
  return value;
}

/** A JSON object of exactly so many bytes. */
function metadataOf(bytes: number): JsonObject {
  return { k: "x".repeat(bytes - JSON.stringify({ k: "" }).length) };
}

/** The good order with one more field of the message. */
function withField(number: number, bytes: Uint8Array): Uint8Array {
  const field = new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(bytes).finish();
  return Buffer.concat([bytesOf(good), field]);
}

const goodJson = JSON.stringify({ content: { text: { body: "Hello" } }, recipients: [{ phone }] });
const goodRest = JSON.stringify({ message: "Hello", recipients: [{ phone }] });
const plus = (json: string, more: string): string => `${json.slice(0, -1)},${more}}`;
/** The good order with more fields, the same for both vocabularies. */
const bothPlus = (more: string): Request => ({ json: plus(goodJson, more), restJson: plus(goodRest, more) });
const recipientsJson = (recipients: string): Request => ({
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

const badPhones: readonly (readonly [string, string])[] = [
  ["", "phone number is empty"],
  [" \t ", "phone number is empty"],
  ["whatsapp:", "phone number is empty"],
  ["2125550123", "phone number must start with + and the country code"],
  ["nonsense", "phone number must start with + and the country code"],
  ["+", "phone number is malformed"],
  ["+1 212 555 0123 ext. 4", "phone number contains characters that do not belong in one"],
  ["+1212\u0000", "phone number contains characters that do not belong in one"],
  ["+1\u0661\u0662\u0663", "phone number contains characters that do not belong in one"],
  ["+99912345678", "phone number has an unknown country code"],
  ["+10000000000", "phone number does not exist in its country's numbering plan"],
  ["+121255501234567890123", "phone number is too long"],
  ["+12", "phone number is too short"],
  [`+${"1".repeat(64)}`, "phone number is longer than 64 characters"],
];
const badRecipients = badPhones.map(([given]) => ({ phone: given }));
const phoneFaults = badPhones.map(([, reason], index) => at(`recipients[${index}].phone`, reason));

const tooLarge: ExpectedRefusal = {
  kind: "invalid",
  violations: [],
  message: "the request is larger than 16 MiB; send less at a time",
};
const tooDeep = "is nested more than 32 levels deep";
const notFinite = "contains a number that is not finite";
const surrogate = "contains a lone surrogate";
const noKey = "send an API key: authorization: Bearer <key>";
const badToken = "not the next_page_token of a page of this batch with these statuses; begin again without one";
const notUuid = "must be a valid UUID";
const unknownId = randomUUID();

const numbers: readonly BadCase[] = [
  {
    name: "numbers that are none",
    request: { order: { ...good, recipients: badRecipients } },
    answer: invalid(...phoneFaults),
  },
  {
    name: "numbers that are none among one that is",
    request: { order: { ...good, recipients: [...badRecipients, { phone }] } },
    answer: { accepted: 1, rejected: badPhones.map(([, reason], index) => ({ index, reason })) },
  },
  {
    name: "one number that is none, all or nothing",
    request: { order: { ...good, recipients: [{ phone }, { phone: "12" }], allOrNothing: true } },
    answer: invalid(at("recipients[1].phone", "phone number must start with + and the country code")),
  },
  {
    name: "half a surrogate pair in a number",
    only: jsonDoors,
    request: { order: { ...good, recipients: [{ phone }, { phone: `+1${halfPair}` }] } },
    answer: invalid(at("recipients[1].phone", "text contains a lone surrogate")),
  },
  {
    name: "no recipients",
    request: { order: { ...good, recipients: [] } },
    answer: invalid(at("recipients", "must contain at least 1 item(s)")),
    apart: { "gRPC stream": { violations: [at("recipients", "the stream has no recipients")] } },
  },
  {
    name: "50,001 recipients",
    request: { order: { ...good, recipients: Array.from({ length: 50_001 }, () => ({ phone })) } },
    answer: invalid(at("recipients", "must contain no more than 50000 item(s)")),
    // That is what it is for. They are all the same one.
    apart: { "gRPC stream": { accepted: 1, rejected: [] } },
  },
];

const textField = "content.text.body";
const texts: readonly BadCase[] = [
  { name: "an empty text", request: { order: { ...good, text: "" } }, answer: invalid(at(textField, "text is empty")) },
  {
    name: "a blank text",
    request: { order: { ...good, text: " \n\u00a0" } },
    answer: invalid(at(textField, "text is empty")),
  },
  {
    name: "no text",
    request: { order: { recipients: [{ phone }] } },
    answer: invalid(at("content", "value is required")),
    // There is no content around its text.
    apart: { REST: { violations: [at(textField, "must be a text")] } },
  },
  {
    name: "a text of 1,600 characters",
    request: { order: { ...good, text: "x".repeat(1600) } },
    answer: { accepted: 1, rejected: [] },
  },
  {
    name: "a text of 1,600 characters outside the basic plane",
    request: { order: { ...good, text: "\u{1F600}".repeat(1600) } },
    answer: { accepted: 1, rejected: [] },
  },
  {
    name: "a text of 1,601 characters",
    request: { order: { ...good, text: "x".repeat(1601) } },
    answer: invalid(at(textField, "text has 1601 characters; at most 1600 are allowed")),
  },
  {
    name: "a text of 1,601 characters outside the basic plane",
    request: { order: { ...good, text: "\u{1F600}".repeat(1601) } },
    answer: invalid(at(textField, "text has 1601 characters; at most 1600 are allowed")),
  },
  {
    name: "NUL in the text",
    request: { order: { ...good, text: "a\u0000b" } },
    answer: invalid(at(textField, "text contains a NUL character")),
  },
  {
    name: "half a surrogate pair in the text",
    only: jsonDoors,
    request: { order: { ...good, text: halfPair } },
    answer: invalid(at(textField, "text contains a lone surrogate")),
  },
];

const metadata: readonly BadCase[] = [
  {
    name: "metadata over 4 KiB",
    request: { order: { ...good, metadata: metadataOf(4097) } },
    answer: invalid(at("metadata", "metadata has 4097 bytes as JSON; at most 4096 are allowed")),
  },
  {
    name: "metadata of one recipient over 4 KiB",
    request: { order: { ...good, recipients: [{ phone }, { phone: other, metadata: metadataOf(4097) }] } },
    answer: {
      accepted: 1,
      rejected: [{ index: 1, reason: "metadata has 4097 bytes as JSON; at most 4096 are allowed" }],
    },
  },
  {
    name: "metadata of the only recipient over 4 KiB",
    request: { order: { ...good, recipients: [{ phone, metadata: metadataOf(4097) }] } },
    answer: invalid(at("recipients[0].metadata", "metadata has 4097 bytes as JSON; at most 4096 are allowed")),
  },
  {
    name: "NUL in metadata",
    request: { order: { ...good, metadata: { note: "a\u0000" } } },
    answer: invalid(at("metadata", "metadata contains a NUL character")),
  },
  {
    name: "NUL in a name in one recipient's metadata",
    request: { order: { ...good, recipients: [{ phone }, { phone: other, metadata: { "\u0000": 1 } }] } },
    answer: { accepted: 1, rejected: [{ index: 1, reason: "metadata contains a NUL character" }] },
  },
  {
    name: "half a surrogate pair in metadata",
    only: jsonDoors,
    request: { order: { ...good, metadata: { note: halfPair } } },
    answer: invalid(at("metadata", surrogate)),
  },
  {
    name: "half a surrogate pair in a name in one recipient's metadata",
    only: jsonDoors,
    request: { order: { ...good, recipients: [{ phone }, { phone: other, metadata: { a: { [halfPair]: 1 } } }] } },
    answer: invalid(at("recipients[1].metadata", surrogate)),
  },
  {
    name: "Infinity in metadata",
    request: { order: { ...good, metadata: { n: Infinity } } },
    answer: invalid(at("metadata", notFinite)),
  },
  {
    name: "Infinity in one recipient's metadata",
    request: { order: { ...good, recipients: [{ phone }, { phone: other, metadata: { a: [Infinity] } }] } },
    answer: invalid(at("recipients[1].metadata", notFinite)),
  },
  {
    name: "NaN in metadata",
    only: [...binaryDoors, "gRPC stream"],
    request: { order: { ...good, metadata: { n: Number.NaN } } },
    answer: invalid(at("metadata", notFinite)),
  },
  {
    name: "metadata of 33 levels",
    request: { order: { ...good, metadata: nested(33) } },
    answer: invalid(at("metadata", tooDeep)),
  },
  {
    name: "one recipient's metadata of 33 levels",
    request: { order: { ...good, recipients: [{ phone }, { phone: other, metadata: nested(33) }] } },
    answer: invalid(at("recipients[1].metadata", tooDeep)),
  },
  {
    name: "one recipient's metadata of 1,000 levels",
    request: { order: { ...good, recipients: [{ phone }, { phone: other, metadata: nested(1000) }] } },
    answer: invalid(at("recipients[1].metadata", tooDeep)),
  },
  {
    name: "metadata of 100,000 levels",
    request: bothPlus(`"metadata":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`),
    answer: invalid(at("metadata", tooDeep)),
  },
];

const shapes: readonly BadCase[] = [
  {
    name: "an idempotency key of 255 characters",
    request: { order: { ...good, idempotencyKey: "k".repeat(255) } },
    // The first door stores the batch, the others are told of it.
    answer: { accepted: 1, rejected: [] },
  },
  {
    name: "an idempotency key of 256 characters",
    request: { order: { ...good, idempotencyKey: "k".repeat(256) } },
    answer: invalid(at("idempotency_key", "must be at most 255 characters")),
  },
  {
    name: "NUL in the idempotency key",
    // A header cannot carry it.
    only: [...rpcDoors, "gRPC stream"],
    request: { order: { ...good, idempotencyKey: "a\u0000b" } },
    answer: invalid(at("idempotency_key", "text contains a NUL character")),
  },
  {
    name: "an idempotency key that belongs to another order",
    request: ({ usedKey }) => ({ order: { ...good, text: "Something else", idempotencyKey: usedKey } }),
    answer: ({ batchId }) => ({
      kind: "conflict",
      violations: [],
      message: `this idempotency key belongs to batch ${batchId} with other content; use a new key for a new batch`,
    }),
  },
  {
    name: "wrong types",
    request: {
      json: '{"content":{"text":{"body":1}},"recipients":[{"phone":12125550123},{"phone":"+1","metadata":[]}],"metadata":"m"}',
      restJson: '{"message":1,"recipients":[{"phone":12125550123},{"phone":"+1","metadata":[]}],"metadata":"m"}',
    },
    answer: invalid(
      at(textField, "must be a text"),
      at("recipients[0].phone", "must be a text"),
      at("recipients[1].metadata", "must be an object"),
      at("metadata", "must be an object"),
    ),
  },
  {
    name: "a choice that is neither true nor false",
    request: {
      json: plus(goodJson, '"allOrNothing":"yes"'),
      restJson: plus(goodRest, '"all_or_nothing":"yes"'),
    },
    answer: invalid(at("all_or_nothing", "must be true or false")),
  },
  {
    name: "a text for the list",
    request: recipientsJson('"+12125550123"'),
    answer: invalid(at("recipients", "must be a list")),
  },
  {
    name: "null in the list",
    request: recipientsJson('[{"phone":"+12125550123"},null]'),
    answer: invalid(at("recipients[1]", "must not be null")),
    // It takes bare numbers as well.
    apart: { REST: { violations: [at("recipients[1]", "must be a phone number as text, or { phone, metadata }")] } },
  },
  {
    name: "an unknown field",
    request: bothPlus('"recipientz":[]'),
    answer: invalid(at("recipientz", "there is no such field")),
  },
  {
    name: "an unknown field of a recipient",
    request: recipientsJson('[{"phone":"+12125550123"},{"phone":"+12125550124","name":"Ann"}]'),
    answer: invalid(at("recipients[1].name", "there is no such field")),
  },
  {
    name: "JSON that is no object",
    request: { json: "[]", restJson: "[]" },
    answer: invalid(at("body", "must be an object")),
  },
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
  {
    name: "a body over 16 MiB",
    request: { order: { ...good, text: "x".repeat(17 * mebibyte) } },
    answer: tooLarge,
    apart: { REST: { httpStatus: 413 } },
  },
  {
    name: "a body that grows over 16 MiB on its way",
    request: bothPlus(`"metadata":{"a":[${"1,".repeat(1.6e6)}1]}`),
    answer: tooLarge,
  },
];

const keys: readonly BadCase[] = [
  {
    name: "no key",
    request: { order: good },
    authorization: () => undefined,
    answer: { kind: "unauthenticated", violations: [], message: noKey },
  },
  {
    name: "no key, for reading",
    request: ({ batchId }) => ({ getBatch: batchId }),
    authorization: () => undefined,
    answer: { kind: "unauthenticated", violations: [], message: noKey },
  },
  {
    name: "a wrong key",
    request: { order: good },
    authorization: () => "Bearer wahub_wrong",
    answer: { kind: "unauthenticated", violations: [], message: "the API key is not valid" },
  },
  {
    name: "a wrong key, for watching",
    request: ({ batchId }) => ({ watchBatch: batchId }),
    authorization: () => "Bearer wahub_wrong",
    answer: { kind: "unauthenticated", violations: [], message: "the API key is not valid" },
  },
  {
    name: "a key in another form",
    request: { order: good },
    authorization: ({ key }) => `Basic ${key}`,
    answer: {
      kind: "unauthenticated",
      violations: [],
      message: "authorization must be of the form: Bearer <key>",
    },
  },
  {
    name: "a key before a bad body",
    request: { order: { text: "" } },
    authorization: () => "Bearer wahub_wrong",
    answer: { kind: "unauthenticated", violations: [], message: "the API key is not valid" },
    // It reads the shape of the body before it asks dispatch, which knows the keys.
    apart: { REST: { kind: "invalid", message: undefined, violations: [at("recipients", "must be a list")] } },
  },
  {
    name: "a tenant without a sender",
    request: { order: good },
    authorization: ({ otherKey }) => `Bearer ${otherKey}`,
    answer: {
      kind: "not_now",
      violations: [],
      message: "no WhatsApp sender is configured: set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_WHATSAPP_FROM",
    },
  },
];

/** For each way of asking for something by its id: the request, the field and what it is called. */
const lookups: readonly (readonly [string, (id: string) => Request, string, string])[] = [
  ["batch", (id) => ({ getBatch: id }), "batch_id", "batch"],
  ["message", (id) => ({ getMessage: id }), "message_id", "message"],
  ["batch to list", (id) => ({ listMessages: { batchId: id } }), "batch_id", "batch"],
  ["batch to watch", (id) => ({ watchBatch: id }), "batch_id", "batch"],
];
const ids: readonly BadCase[] = lookups.flatMap(([what, request, field, noun]): BadCase[] => {
  const known = (all: Known): string => (noun === "batch" ? all.batchId : all.messageId);
  return [
    {
      name: `an unknown ${what}`,
      request: request(unknownId),
      answer: { kind: "not_found", violations: [], message: `${noun} ${unknownId} not found` },
    },
    {
      name: `another tenant's ${what}`,
      request: (all) => request(known(all)),
      authorization: ({ otherKey }) => `Bearer ${otherKey}`,
      answer: (all) => ({ kind: "not_found", violations: [], message: `${noun} ${known(all)} not found` }),
    },
    {
      name: `a ${what} by an id that is none`,
      request: request("12345' or 1=1 --"),
      answer: invalid(at(field, notUuid)),
    },
    {
      name: `a ${what} without an id`,
      request: request(""),
      answer: invalid(at(field, "value is empty, which is not a valid UUID")),
    },
  ];
});

const pages: readonly BadCase[] = [
  {
    name: "a page token that is none",
    request: ({ batchId }) => ({ listMessages: { batchId, pageToken: "../../etc/passwd" } }),
    answer: invalid(at("page_token", badToken)),
  },
  {
    name: "a page token that was tampered with",
    request: ({ batchId, pageToken }) => ({ listMessages: { batchId, pageToken: pageToken.replace(/^./, "_") } }),
    answer: invalid(at("page_token", badToken)),
  },
  {
    name: "a page token of other statuses",
    request: ({ batchId, pageToken }) => ({
      listMessages: { batchId, pageToken, statuses: [MessageStatus.READ] },
    }),
    answer: invalid(at("page_token", badToken)),
  },
  {
    name: "a page token without end",
    request: ({ batchId }) => ({ listMessages: { batchId, pageToken: "x".repeat(513) } }),
    answer: invalid(at("page_token", "must be at most 512 characters")),
  },
  {
    name: "a page of less than nothing",
    request: ({ batchId }) => ({ listMessages: { batchId, pageSize: -1 } }),
    answer: invalid(at("page_size", "must be greater than or equal to 0 and less than or equal to 1000")),
  },
  {
    name: "a page of 1,001",
    request: ({ batchId }) => ({ listMessages: { batchId, pageSize: 1001 } }),
    answer: invalid(at("page_size", "must be greater than or equal to 0 and less than or equal to 1000")),
  },
  {
    name: "statuses that do not exist",
    request: ({ batchId }) => ({ listMessages: { batchId, statuses: [MessageStatus.READ, 99 as MessageStatus] } }),
    answer: invalid(at("statuses[1]", "value must be one of the defined enum values")),
  },
];

/** Every sort of bad input, and what has to come of it. */
export const badCases: readonly BadCase[] = [...numbers, ...texts, ...metadata, ...shapes, ...keys, ...ids, ...pages];
