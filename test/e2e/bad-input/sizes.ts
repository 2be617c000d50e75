import type { BadCase, ExpectedRefusal } from "./bad-case.ts";
import { bothPlus, good } from "./orders.ts";

const mebibyte = 1024 * 1024;
const tooLarge: ExpectedRefusal = {
  kind: "invalid",
  violations: [],
  message: "the request is larger than 16 MiB; send less at a time",
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
    request: bothPlus(`"metadata":{"a":[${"1,".repeat(1.6e6)}1]}`),
    answer: tooLarge,
  },
];
