import type { BadCase, ExpectedRefusal } from "./bad-case.ts";
import { bothPlus, good } from "./orders.ts";

const mebibyte = 1024 * 1024;
const tooLarge: ExpectedRefusal = {
  kind: "invalid",
  violations: [],
  message: "the request is larger than 16 MiB; send less at a time",
};

const tooDense: ExpectedRefusal = {
  kind: "invalid",
  violations: [],
  message: "the request has more than 750,000 values in all; send less at a time",
};

export const sizes: readonly BadCase[] = [
  {
    name: "a body over 16 MiB",
    request: { order: { ...good, text: "x".repeat(17 * mebibyte) } },
    answer: tooLarge,
    apart: { REST: { httpStatus: 413 } },
  },
  {
    name: "a body that grows over 16 MiB on its way",
    request: bothPlus(`"metadata":{"a":[${"1,".repeat(700_000)}1],"b":"${"x".repeat(10 * mebibyte)}"}`),
    answer: tooLarge,
  },
  {
    name: "more than 750,000 values",
    request: bothPlus(`"metadata":{"a":[${"1,".repeat(750_000)}1]}`),
    answer: tooDense,
  },
  {
    name: "a million recipients of nothing in one message",
    request: { bytes: Buffer.alloc(2_000_000, Uint8Array.of(0x1a, 0)) },
    answer: tooDense,
  },
];
