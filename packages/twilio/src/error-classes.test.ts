import { describe, expect, test } from "@jest/globals";
import { errorClassOf, errorText } from "./error-classes.ts";
import { errorTable } from "./error-table.ts";

describe("the error table", () => {
  test("has each code once, in ascending order", () => {
    const codes = errorTable.map((entry) => entry.code);
    expect(codes).toEqual([...new Set(codes)].toSorted((a, b) => a - b));
  });

  test("suppresses only recipients", () => {
    const scopes = errorTable.filter((entry) => entry.class === "suppress").map((entry) => entry.scope);
    expect(new Set(scopes)).toEqual(new Set(["recipient"]));
  });

  test("pauses only what more than one message depends on", () => {
    const scopes = errorTable.filter((entry) => entry.class === "pause").map((entry) => entry.scope);
    expect(new Set(scopes)).toEqual(new Set(["sender", "account", "country"]));
  });

  test.each([
    [20003, "pause", "account"],
    [20429, "throttle", "account"],
    [20500, "ambiguous", "message"],
    [21211, "suppress", "recipient"],
    [21408, "pause", "country"],
    [21611, "throttle", "sender"],
    [21617, "permanent", "message"],
    [63016, "permanent", "message"],
    [63018, "throttle", "sender"],
    [63024, "suppress", "recipient"],
    [63027, "permanent", "batch"],
    [63038, "pause", "account"],
    [30500, "transient", "message"],
  ])("classes %i as %s of the %s", (code, errorClass, scope) => {
    expect(errorClassOf(code)).toMatchObject({ class: errorClass, scope });
  });
});

test("a code that is not in the table has no class", () => {
  expect(errorClassOf(12345)).toBeUndefined();
});

test("people get the meaning of a known code and a place to look up any other", () => {
  expect(errorText(21610)).toBe("the recipient has unsubscribed from this sender");
  expect(errorText(12345)).toBe("Twilio error 12345, see https://www.twilio.com/docs/errors/12345");
});
