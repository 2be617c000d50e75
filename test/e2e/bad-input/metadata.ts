import { at, type BadCase, binaryDoors, invalid, jsonDoors } from "./bad-case.ts";
import { bothPlus, good, halfPair, metadataOf, nested, other, phone } from "./orders.ts";

const tooDeep = "is nested more than 32 levels deep";
const notFinite = "contains a number that is not finite";
const surrogate = "contains a lone surrogate";

export const metadata: readonly BadCase[] = [
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
