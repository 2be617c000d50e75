import { describe, expect, test } from "@jest/globals";
import type { ErrorScope, SendOutcome } from "@wahub/domain";
import { errorClassOf, errorText } from "./error-classes.ts";
import { errorTable, type ErrorClass, type ErrorEntry } from "./error-table.ts";
import { outcomeOfAnswer } from "./outcome.ts";

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

  // Said a second time, and by class, so that a slip in the table does not pass.
  const expected: Record<ErrorClass, Partial<Record<ErrorScope, readonly number[]>>> = {
    permanent: {
      message: [
        21602, 21603, 21604, 21605, 21617, 21618, 21619, 21623, 21624, 21656, 21658, 21910, 30036, 35111, 35114, 35115,
        35117, 35118, 63005, 63006, 63011, 63016, 63021, 63025, 63030, 63031, 63050, 92002, 92007,
      ],
      recipient: [21608, 21612, 63015, 63029, 63032, 63036, 63049],
      batch: [
        11751, 21609, 21620, 21654, 21655, 30007, 63019, 63027, 63028, 63034, 63040, 63041, 63042, 63052, 92005, 92006,
        92008,
      ],
      sender: [63013, 63035],
    },
    suppress: { recipient: [21211, 21217, 21610, 21614, 30004, 30005, 30006, 63003, 63014, 63024, 63033] },
    transient: {
      message: [30008, 30020, 30021, 30410, 30500, 63009, 63010, 63012, 63023, 63037],
      recipient: [30003],
      sender: [30017],
    },
    throttle: { sender: [21611, 30001, 30022, 63017, 63018], account: [20429, 35125] },
    pause: {
      sender: [
        21212, 21601, 21606, 21657, 21659, 21660, 21701, 21703, 21704, 30034, 63001, 63002, 63007, 63008, 63022, 63026,
      ],
      account: [20003, 20005, 20006, 20008, 20404, 21607, 30002, 30023, 63020, 63038, 63051, 63062, 63112],
      country: [21408],
    },
    ambiguous: { message: [20500, 20503] },
  };

  test.each(Object.keys(expected) as ErrorClass[])("has these codes of class %s, and no other", (errorClass) => {
    const found: Partial<Record<ErrorScope, number[]>> = {};
    for (const entry of errorTable.filter((e) => e.class === errorClass)) (found[entry.scope] ??= []).push(entry.code);
    expect(found).toEqual(expected[errorClass]);
  });

  test.each<[ErrorClass, (entry: ErrorEntry) => Partial<SendOutcome>]>([
    [
      "permanent",
      ({ code, scope }) => (scope === "batch" ? { kind: "paused", code, scope } : { kind: "rejected", code, scope }),
    ],
    ["suppress", ({ code }) => ({ kind: "rejected", code, scope: "recipient" })],
    ["transient", ({ code }) => ({ kind: "transient", code })],
    ["throttle", ({ code, scope }) => ({ kind: "throttled", code, scope })],
    ["pause", ({ code, scope }) => ({ kind: "paused", code, scope })],
    ["ambiguous", () => ({ kind: "unknown", why: "server_error" })],
  ])("makes one outcome of every %s code, whatever the HTTP status of the refusal", (errorClass, outcome) => {
    for (const entry of errorTable.filter((e) => e.class === errorClass)) {
      for (const httpStatus of [400, 401, 403, 404, 429]) {
        expect(outcomeOfAnswer({ httpStatus, code: entry.code })).toMatchObject(outcome(entry));
      }
    }
  });
});

test("a code that is not in the table has no class", () => {
  expect(errorClassOf(12345)).toBeUndefined();
});

test("people get the meaning of a known code and a place to look up any other", () => {
  expect(errorText(21610)).toBe("the recipient has unsubscribed from this sender");
  expect(errorText(12345)).toBe("Twilio error 12345, see https://www.twilio.com/docs/errors/12345");
});
