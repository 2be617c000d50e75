import { describe, expect, test } from "@jest/globals";
import { countJsonValues } from "./json-values.ts";

const count = (json: string, limit = 1_000_000): number => countJsonValues(Buffer.from(json), limit);

/** The slow way. */
function valuesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + valuesIn(inner), 1);
}

describe("countJsonValues", () => {
  test.each([
    "1",
    '"a"',
    "[]",
    "{}",
    "[[],[]]",
    "[1,2,3]",
    '{"a":[{},{"b":null}],"c":true}',
    '["a,b","[{","\\"","\\\\",",\\\\\\""]',
    '{"a,":"}","b\\"":{"c":"]"}}',
    ' [ 1 ,\n\t[ ] , { "a" : [ 1 ] } ] ',
    '["\u{1F600},\u00e9"]',
  ])("counts the values of %j", (json) => {
    expect(count(json)).toBe(valuesIn(JSON.parse(json)));
  });

  test("stops soon after the limit", () => {
    expect(count(`[${"1,".repeat(100_000)}1]`, 10)).toBe(11);
  });

  test("comes to an end on what is no JSON", () => {
    for (const torn of ["", '"', '"\\', "[[[", "}]", '{"a', "\u0000"]) expect(count(torn)).toBeLessThan(10);
  });
});
