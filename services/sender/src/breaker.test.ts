import { describe, expect, test } from "@jest/globals";
import type { SendOutcome } from "@wahub/domain";
import { createBreaker } from "./breaker.ts";

const unknown: SendOutcome = { kind: "unknown", why: "timeout" };
const clear: [string, SendOutcome][] = [
  ["taken", { kind: "submitted", sid: "SM1" }],
  ["a refusal", { kind: "rejected", code: 21211, scope: "recipient", message: "" }],
  ["a pause", { kind: "paused", code: 63007, scope: "sender", message: "" }],
  ["too fast", { kind: "throttled", code: 20429, scope: "account" }],
  ["a passing failure", { kind: "transient", code: 63009, message: "" }],
];
const silent: [string, SendOutcome][] = [
  ["a request that was not made", { kind: "throttled", code: 0, scope: "message", retryAfterMs: 0 }],
];
const unreachable: SendOutcome = { kind: "unreachable", message: "" };

describe("a run of outcomes without an answer", () => {
  test("is complete with the last of so many in a row; then the next one begins", () => {
    const breaker = createBreaker(3);
    const said = Array.from({ length: 7 }, () => breaker.isRun("a", unknown));
    expect(said).toEqual([false, false, true, false, false, true, false]);
  });

  test("is made of requests that found no connection, too", () => {
    const breaker = createBreaker(3);
    const outcomes = [unreachable, unknown, unreachable, unreachable];
    expect(outcomes.map((outcome) => breaker.isRun("a", outcome))).toEqual([false, false, true, false]);
  });

  test("is counted for each account by itself", () => {
    const breaker = createBreaker(2);
    expect(["a", "b", "c", "b"].map((account) => breaker.isRun(account, unknown))).toEqual([false, false, false, true]);
  });

  test.each(clear)("is ended by a clear answer: %s", (_label, outcome) => {
    const breaker = createBreaker(2);
    expect([unknown, outcome, unknown, unknown].map((o) => breaker.isRun("a", o))).toEqual([false, false, false, true]);
  });

  test.each(silent)("is not ended by what says nothing: %s", (_label, outcome) => {
    const breaker = createBreaker(2);
    expect([unknown, outcome, unknown].map((o) => breaker.isRun("a", o))).toEqual([false, false, true]);
  });
});
