import { describe, expect, test } from "@jest/globals";
import { jsonFault, maxJsonDepth } from "./json-fault.ts";

const nested = (levels: number, wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
};
const inObject = (inner: unknown): unknown => ({ a: inner });
const inList = (inner: unknown): unknown => [inner];

describe("what a JSON value may hold", () => {
  test.each<[string, unknown]>([
    ["every kind of value", { a: null, b: true, c: -1.5e308, d: "\u{1F600}", e: [{}, []], "": 0 }],
    ["names of JavaScript's own", JSON.parse('{"__proto__": {"constructor": 1}}')],
    ["objects as deep as allowed", nested(maxJsonDepth, inObject)],
    ["lists as deep as allowed", nested(maxJsonDepth, inList)],
  ])("%s", (_what, value) => expect(jsonFault(value)).toBeUndefined());
});

describe("what it may not", () => {
  test.each<[string, unknown, string]>([
    ["objects one level deeper", nested(maxJsonDepth + 1, inObject), "is nested more than 32 levels deep"],
    ["lists without end", nested(100_000, inList), "is nested more than 32 levels deep"],
    ["Infinity", { a: [Infinity] }, "contains a number that is not finite"],
    ["NaN", { a: Number.NaN }, "contains a number that is not finite"],
    ["half a surrogate pair", { a: ["\ud800"] }, "contains a lone surrogate"],
    ["half a surrogate pair in a name", { a: { "\udc00": 1 } }, "contains a lone surrogate"],
  ])("%s", (_what, value, fault) => expect(jsonFault(value)).toBe(fault));
});
