import { describe, expect, test } from "@jest/globals";
import type { ErrorScope, SendOutcome } from "@wahub/domain";
import { actsOf } from "./acts-of.ts";

const submitted: SendOutcome = { kind: "submitted", sid: "SM1" };
const rejected: SendOutcome = { kind: "rejected", code: 21211, scope: "recipient", message: "no such number" };
const transient: SendOutcome = { kind: "transient", code: 63009, message: "" };
const unknown: SendOutcome = { kind: "unknown", why: "timeout" };
const unreachable: SendOutcome = { kind: "unreachable", message: "no connection" };
const throttled = (scope: ErrorScope, retryAfterMs?: number): SendOutcome => ({
  kind: "throttled",
  code: 20429,
  scope,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});
const paused = (scope: ErrorScope): SendOutcome => ({ kind: "paused", code: 63007, scope, message: "why" });

describe("an outcome of a message that tries for nobody", () => {
  test.each<[string, SendOutcome]>([
    ["taken", submitted],
    ["a refusal", rejected],
    ["a passing failure", transient],
    ["one unknown outcome", unknown],
    ["one request that found no connection", unreachable],
    ["a request that did not start in time", throttled("message")],
  ])("asks for nothing: %s", (_label, outcome) => {
    expect(actsOf(outcome, [], false)).toEqual([]);
  });

  test.each(["account", "sender", "batch"] as const)("pauses the %s whose fault it is", (scope) => {
    expect(actsOf(paused(scope), [], false)).toEqual([{ do: "pause", scope, code: 63007, reason: "why" }]);
  });

  test("of a country that is not allowed is told and pauses nothing", () => {
    expect(actsOf(paused("country"), [], false)).toEqual([{ do: "tell_country", code: 63007 }]);
  });

  test.each(["account", "sender"] as const)(
    "slows the %s down that is too fast, for as long as it is told",
    (scope) => {
      expect(actsOf(throttled(scope, 7_000), [], false)).toEqual([{ do: "slow", scope, retryAfterMs: 7_000 }]);
      expect(actsOf(throttled(scope), [], false)).toEqual([{ do: "slow", scope, retryAfterMs: undefined }]);
    },
  );

  test("that completes a run of unknown ones pauses the account", () => {
    expect(actsOf(unknown, [], true)).toEqual([{ do: "pause", scope: "account", code: 0, reason: "unknown_outcomes" }]);
  });

  test("that found no connection and completes a run pauses the account and says so", () => {
    const pause = { do: "pause", scope: "account", code: 0, reason: "no_connection" };
    expect(actsOf(unreachable, [], true)).toEqual([pause]);
    expect(actsOf(unreachable, ["sender"], true)).toEqual([{ do: "fail", scope: "sender", lengthen: false }, pause]);
  });
});

describe("an outcome of a message that tries", () => {
  test.each<[string, SendOutcome]>([
    ["taken", submitted],
    ["a refusal that is about the message", rejected],
    ["a pause of its batch", paused("batch")],
    ["a country that is not allowed", paused("country")],
  ])("lets the scope go on: %s", (_label, outcome) => {
    for (const scope of ["account", "sender"] as const) {
      expect(actsOf(outcome, [scope], false)).toContainEqual({ do: "pass", scope });
    }
  });

  test.each(["account", "sender"] as const)("pauses the %s again with its newest trouble, for longer", (scope) => {
    expect(actsOf(paused(scope), [scope], false)).toEqual([
      { do: "fail", scope, lengthen: true, trouble: { code: 63007, reason: "why" } },
    ]);
  });

  test("without a clear answer leaves the scope paused for longer, and pauses the account only once", () => {
    expect(actsOf(unknown, ["account"], true)).toEqual([{ do: "fail", scope: "account", lengthen: true }]);
  });

  test("that says nothing about the scope is repeated after the same wait", () => {
    expect(actsOf(transient, ["sender"], false)).toEqual([{ do: "fail", scope: "sender", lengthen: false }]);
    expect(actsOf(unreachable, ["account"], true)).toEqual([{ do: "fail", scope: "account", lengthen: false }]);
    expect(actsOf(throttled("account"), ["account"], false)).toEqual([
      { do: "fail", scope: "account", lengthen: false },
      { do: "slow", scope: "account", retryAfterMs: undefined },
    ]);
  });

  test("tells sender and account apart: a bad sender shows that the account works, a bad account hides the sender", () => {
    expect(actsOf(paused("sender"), ["sender", "account"], false)).toEqual([
      { do: "fail", scope: "sender", lengthen: true, trouble: { code: 63007, reason: "why" } },
      { do: "pass", scope: "account" },
    ]);
    expect(actsOf(paused("account"), ["sender"], false)).toEqual([
      { do: "fail", scope: "sender", lengthen: false },
      { do: "pause", scope: "account", code: 63007, reason: "why" },
    ]);
  });
});
