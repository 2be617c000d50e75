import { describe, expect, test } from "@jest/globals";
import type { SendOutcome } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import { outcomeToRecord } from "./outcome-to-record.ts";

const now = new Date("2026-03-01T12:00:00Z");
const policy = { retry: { delaysMs: [60_000, 120_000, 300_000] }, throttledMs: 4_000 };
const record = (outcome: SendOutcome, triesSpent = 0) =>
  outcomeToRecord(outcome, { triesSpent, now, random: 0.5, policy });
const inMs = (ms: number): Date => new Date(now.getTime() + ms);

describe("what is recorded for an outcome", () => {
  test("a message that Twilio took keeps its SID", () => {
    expect(record({ kind: "submitted", sid: "SM1" })).toEqual({ status: MessageStatus.SUBMITTED, sid: "SM1" });
  });

  test("a passing failure waits longer each time and spends a try", () => {
    const outcome = { kind: "transient", code: 63009, message: "an error at WhatsApp" } as const;
    expect([0, 1, 2].map((spent) => record(outcome, spent))).toEqual(
      [60_000, 120_000, 300_000].map((ms) => ({
        status: MessageStatus.ACCEPTED,
        nextAt: inMs(ms),
        spendsTry: true,
        errorCode: 63009,
        errorMessage: "an error at WhatsApp",
      })),
    );
  });

  test("a message that found no connection waits, however long there is none, and spends no try", () => {
    expect(record({ kind: "unreachable", message: "no connection to Twilio (ENOTFOUND)" }, 3)).toEqual({
      status: MessageStatus.ACCEPTED,
      nextAt: inMs(4_000),
      spendsTry: false,
      errorCode: 0,
      errorMessage: "no connection to Twilio (ENOTFOUND)",
    });
  });

  test("a passing failure is final when the tries are used up", () => {
    expect(record({ kind: "transient", code: 30017, message: "congestion" }, 3)).toEqual({
      status: MessageStatus.FAILED,
      errorCode: 30017,
      errorMessage: "congestion",
    });
  });

  test("waiting is not failing: throttled spends no try, however often", () => {
    expect(record({ kind: "throttled", code: 20429, scope: "account" }, 3)).toMatchObject({
      status: MessageStatus.ACCEPTED,
      nextAt: inMs(4_000),
      spendsTry: false,
    });
  });

  test.each(["account", "sender", "batch"] as const)(
    "a message whose %s is paused is due at once and spends no try, however often",
    (scope) => {
      expect(record({ kind: "paused", code: 20003, scope, message: "wrong credentials" }, 3)).toEqual({
        status: MessageStatus.ACCEPTED,
        nextAt: now,
        spendsTry: false,
        errorCode: 20003,
        errorMessage: "wrong credentials",
      });
    },
  );

  test("a message to a country that is not allowed waits an hour and spends no try", () => {
    expect(record({ kind: "paused", code: 21408, scope: "country", message: "not to this country" }, 3)).toMatchObject({
      status: MessageStatus.ACCEPTED,
      nextAt: inMs(63 * 60_000),
      spendsTry: false,
    });
  });

  test("Twilio's own wait is honoured", () => {
    expect(record({ kind: "throttled", code: 20429, scope: "account", retryAfterMs: 1_500 })).toMatchObject({
      nextAt: inMs(1_500),
    });
  });

  test("a refusal is final, and no answer is unknown", () => {
    expect(record({ kind: "rejected", code: 21211, scope: "recipient", message: "invalid To" })).toMatchObject({
      status: MessageStatus.FAILED,
      errorCode: 21211,
    });
    expect(record({ kind: "unknown", why: "timeout" })).toEqual({
      status: MessageStatus.UNKNOWN,
      errorMessage: "timeout",
    });
  });
});
