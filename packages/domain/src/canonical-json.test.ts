import { describe, expect, test } from "@jest/globals";
import { canonicalJson } from "./canonical-json.ts";

describe("canonical JSON", () => {
  test("is the same whatever the order of the keys, at any depth", () => {
    const a = canonicalJson({ name: "Ada", tags: [{ x: 1, y: 2 }] });
    const b = canonicalJson({ tags: [{ y: 2, x: 1 }], name: "Ada" });
    expect(a).toBe('{"name":"Ada","tags":[{"x":1,"y":2}]}');
    expect(b).toBe(a);
  });

  test("keeps the order of lists, which means something", () => {
    expect(canonicalJson([2, 1])).toBe("[2,1]");
  });
});
