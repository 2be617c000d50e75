import { describe, expect, test } from "@jest/globals";
import type { SendOutcome } from "@wahub/domain";
import { hasUnknownCode, outcomeOfAnswer, outcomeOfFailure } from "./outcome.ts";
import type { ProviderAnswer } from "./outcome.ts";
import { RequestFailure } from "./request-failure.ts";

const sid = `SM${"0".repeat(32)}`;

describe("an answer", () => {
  const cases: [string, ProviderAnswer, Partial<SendOutcome>][] = [
    ["201 with a SID is submitted", { httpStatus: 201, sid }, { kind: "submitted", sid }],
    ["201 with the SID of a media message", { httpStatus: 201, sid: sid.replace("SM", "MM") }, { kind: "submitted" }],
    ["201 without a SID is unknown", { httpStatus: 201 }, { kind: "unknown", why: "unreadable_answer" }],
    ["201 with another SID is unknown", { httpStatus: 201, sid: "AC1" }, { kind: "unknown", why: "unreadable_answer" }],
    ["a permanent code", { httpStatus: 400, code: 21617 }, { kind: "rejected", code: 21617, scope: "message" }],
    ["a permanent code of a batch", { httpStatus: 400, code: 21655 }, { kind: "paused", code: 21655, scope: "batch" }],
    ["a permanent code of a sender", { httpStatus: 400, code: 63013 }, { kind: "rejected", scope: "sender" }],
    ["a suppressing code", { httpStatus: 400, code: 21610 }, { kind: "rejected", code: 21610, scope: "recipient" }],
    ["a transient code", { httpStatus: 400, code: 63009 }, { kind: "transient", code: 63009 }],
    ["a throttling code", { httpStatus: 400, code: 21611 }, { kind: "throttled", code: 21611, scope: "sender" }],
    ["a pausing code", { httpStatus: 400, code: 63007 }, { kind: "paused", code: 63007, scope: "sender" }],
    [
      "a pausing code of a country",
      { httpStatus: 400, code: 21408 },
      { kind: "paused", code: 21408, scope: "country" },
    ],
    ["wrong credentials", { httpStatus: 401, code: 20003 }, { kind: "paused", code: 20003, scope: "account" }],
    ["an ambiguous code", { httpStatus: 500, code: 20500 }, { kind: "unknown", why: "server_error" }],
    ["429 with 20429", { httpStatus: 429, code: 20429 }, { kind: "throttled", code: 20429, scope: "account" }],
    ["429 without a code", { httpStatus: 429 }, { kind: "throttled", code: 0, scope: "account" }],
    ["429 with an unknown code", { httpStatus: 429, code: 99999 }, { kind: "throttled", code: 99999 }],
    ["429 with the used-up day", { httpStatus: 429, code: 63038 }, { kind: "paused", code: 63038, scope: "account" }],
    ["a 4xx with an unknown code", { httpStatus: 400, code: 99999 }, { kind: "rejected", code: 99999 }],
    ["a 4xx that is not Twilio's", { httpStatus: 403 }, { kind: "unknown", why: "unexpected_status" }],
    ["a proxy that wants credentials", { httpStatus: 407 }, { kind: "unknown", why: "unexpected_status" }],
    ["an answer that ends nothing", { httpStatus: 101 }, { kind: "unknown", why: "unexpected_status" }],
    ["a redirect", { httpStatus: 307 }, { kind: "paused", code: 0, scope: "account" }],
    ["a 5xx without a code", { httpStatus: 502 }, { kind: "unknown", why: "server_error" }],
    ["a 5xx with an unknown code", { httpStatus: 500, code: 99999 }, { kind: "unknown", why: "server_error" }],
    ["a 5xx that says try again", { httpStatus: 503, code: 63009 }, { kind: "unknown", why: "server_error" }],
    [
      "a 5xx with a code that ends the batch",
      { httpStatus: 500, code: 21655 },
      { kind: "unknown", why: "server_error" },
    ],
    ["a 5xx that says slow down", { httpStatus: 503, code: 20429 }, { kind: "unknown", why: "server_error" }],
    ["a 5xx with a code that ends it", { httpStatus: 500, code: 21211 }, { kind: "rejected", code: 21211 }],
  ];

  test.each(cases)("%s", (_label, answer, outcome) => {
    expect(outcomeOfAnswer(answer)).toMatchObject(outcome);
  });

  test("hands on how long to wait", () => {
    const outcome = outcomeOfAnswer({ httpStatus: 429, code: 20429, retryAfterMs: 7000 });
    expect(outcome).toEqual({ kind: "throttled", code: 20429, scope: "account", retryAfterMs: 7000 });
  });

  test("explains a known code in our words, which quote nobody's number", () => {
    const message = "The 'To' number +15555550100 is not a valid phone number.";
    const outcome = outcomeOfAnswer({ httpStatus: 400, code: 21211, message });
    expect(outcome).toMatchObject({ message: "the recipient's number is invalid" });
  });

  test("explains an unknown code in Twilio's words without the numbers in them", () => {
    const outcome = outcomeOfAnswer({ httpStatus: 400, code: 99999, message: "No way to +15555550100." });
    expect(outcome).toMatchObject({ message: expect.stringMatching(/Twilio error 99999, .*: No way to \.\.\.\.$/) });
  });

  test.each([
    "+1 555-123-4567",
    "+1 (555) 123 4567",
    "(555) 123-4567",
    "0155/512 34.56",
    "whatsapp:+15551234567",
    "5551\u00a0234",
  ])("cuts the number out of an unknown code's words, however it is written: %s", (number) => {
    const outcome = outcomeOfAnswer({ httpStatus: 400, code: 99999, message: `No way to ${number}, see 3 docs.` });
    const { message } = outcome as { message: string };
    const words = message.slice(message.indexOf("No way"));
    expect(words).toMatch(/^No way to (whatsapp:)?\.\.\., see 3 docs\.$/);
  });
});

test("only a refusal with a code outside the table is reported as unknown", () => {
  expect(hasUnknownCode({ httpStatus: 400, code: 99999 })).toBe(true);
  expect(hasUnknownCode({ httpStatus: 400, code: 21211 })).toBe(false);
  expect(hasUnknownCode({ httpStatus: 502 })).toBe(false);
  expect(hasUnknownCode({ httpStatus: 201, sid })).toBe(false);
});

describe("a request without a whole answer", () => {
  test("costs no try when it was not started", () => {
    const outcome = outcomeOfFailure(new RequestFailure("not_started"));
    expect(outcome).toEqual({ kind: "throttled", code: 0, scope: "message", retryAfterMs: 0 });
  });

  test("may be tried again when nothing was sent", () => {
    const outcome = outcomeOfFailure(new RequestFailure("not_sent", "ECONNREFUSED"));
    expect(outcome).toEqual({ kind: "unreachable", message: "no connection to Twilio (ECONNREFUSED)" });
  });

  test.each(["timeout", "connection_lost", "unreadable_answer"] as const)("is unknown after %s", (kind) => {
    expect(outcomeOfFailure(new RequestFailure(kind))).toEqual({ kind: "unknown", why: kind });
  });

  test("is unknown after an error of which nobody knows when it came", () => {
    expect(outcomeOfFailure(new TypeError("surprise"))).toEqual({ kind: "unknown", why: "connection_lost" });
  });
});
