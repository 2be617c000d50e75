import { expect, test } from "@jest/globals";
import { requestIdOf } from "./request-id.ts";

test("a request keeps the id it came with", () => {
  expect(requestIdOf("01890f3e-7b5c-7cc0-98c4-dc0c0c07398f")).toBe("01890f3e-7b5c-7cc0-98c4-dc0c0c07398f");
});

test.each([undefined, "", "short", "x".repeat(129), 'line\nbreak"', "späßle-äöü", Buffer.from("12345678"), ["a", "b"]])(
  "a request that came with %j gets a new id",
  (value) => {
    const id = requestIdOf(value);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(requestIdOf(value)).not.toBe(id);
  },
);
