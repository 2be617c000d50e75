import { describe, expect, test } from "@jest/globals";
import { createAccountRests } from "./account-rests.ts";

const failed = { kind: "unavailable", why: "server_error" } as const;
const listed = { kind: "listed", messages: [] } as const;

describe("an account whose list fails", () => {
  test("rests, twice as long each time, until it works", () => {
    let clock = 0;
    const rests = createAccountRests(() => clock);
    const waits: number[] = [];
    for (let n = 0; n < 8; n++) {
      const waitMs = rests.note("AC1", failed);
      waits.push(waitMs);
      expect(rests.leftMs("AC1")).toBe(waitMs);
      clock += waitMs;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(rests.leftMs("AC1")).toBe(0);
    rests.note("AC1", listed);
    expect(rests.note("AC1", failed)).toBe(1_000);
    expect(rests.leftMs("AC2")).toBe(0);
  });

  test("rests no longer than it may", () => {
    expect(createAccountRests(() => 0, 400).note("AC1", failed)).toBe(400);
  });

  test("counts failures of the same moment once, and waits as long as Twilio says", () => {
    const rests = createAccountRests(() => 0);
    expect([rests.note("AC1", failed), rests.note("AC1", failed)]).toEqual([1_000, 1_000]);
    expect(rests.note("AC2", { kind: "unavailable", why: "throttled", retryAfterMs: 7_000 })).toBe(7_000);
  });

  test("goes on where only one recipient's list is at fault", () => {
    const rests = createAccountRests(() => 0);
    expect(rests.note("AC1", { kind: "unavailable", why: "too_long" })).toBe(0);
    expect(rests.leftMs("AC1")).toBe(0);
  });
});
