import { expect, test } from "@jest/globals";
import { retryAfterMs } from "./retry-after.ts";

const now = Date.parse("2026-03-01T12:00:00Z");

test.each([
  ["seconds", "7", 7000],
  ["no time at all", "0", 0],
  ["an HTTP date", "Sun, 01 Mar 2026 12:00:30 GMT", 30_000],
  ["a date that has passed", "Sun, 01 Mar 2026 11:00:00 GMT", 0],
  ["no more than an hour", "86400", 3_600_000],
  ["the first of several", ["5", "9"], 5000],
])("reads %s", (_label, header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected);
});

test.each([
  ["nothing", undefined],
  ["an empty header", ""],
  ["words", "soon"],
  ["a negative number", "-5 s"],
])("makes nothing of %s", (_label, header) => {
  expect(retryAfterMs(header, now)).toBeUndefined();
});
