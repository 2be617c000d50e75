import { expect, test } from "@jest/globals";
import { effectivePace, speedAt } from "./pace.ts";

const now = new Date("2026-03-01T12:00:00Z");
const ago = (ms: number): Date => new Date(now.getTime() - ms);

test("a scope that was never slowed down has all of its speed", () => {
  expect(effectivePace({ pace: 1, pacedAt: undefined }, now, 60_000)).toBe(1);
});

test("a speed comes back evenly, and no further than to its whole", () => {
  const paceAfter = (ms: number) => effectivePace({ pace: 0.25, pacedAt: ago(ms) }, now, 60_000);
  expect([0, 15_000, 30_000, 45_000, 600_000].map(paceAfter)).toEqual([0.25, 0.5, 0.75, 1, 1]);
});

test("a clock that is behind the one that slowed it down changes nothing", () => {
  expect(effectivePace({ pace: 0.5, pacedAt: ago(-5_000) }, now, 60_000)).toBe(0.5);
});

test("the slowest speed is one message a second", () => {
  expect([speedAt(80, 1), speedAt(80, 0.5), speedAt(80, 0.05), speedAt(10, 0.05)]).toEqual([80, 40, 4, 1]);
});
