import { describe, expect, test } from "@jest/globals";
import { retryDelayMs } from "./retry.ts";

const schedule = { delaysMs: [60_000, 120_000, 300_000] };

describe("the retry delay", () => {
  test("grows with the tries spent and ends with the schedule", () => {
    expect([1, 2, 3, 4].map((tries) => retryDelayMs(schedule, tries, 0.5))).toEqual([
      60_000,
      120_000,
      300_000,
      undefined,
    ]);
  });

  test("is spread by a fifth to either side", () => {
    expect(retryDelayMs(schedule, 1, 0)).toBe(48_000);
    expect(retryDelayMs(schedule, 1, 0.999999)).toBe(72_000);
  });
});
