import { expect, test } from "@jest/globals";
import { createIdleness } from "./idleness.ts";
import { createRuns } from "./run.ts";
import { createScheduler } from "./scheduler.ts";
import { createManualClock } from "./testing/manual-clock.ts";

function setUp() {
  const clock = createManualClock();
  const runs = createRuns(clock);
  const scheduler = createScheduler(clock, () => idleness.check());
  const idleness = createIdleness({ clock, runs, scheduler });
  const calls: string[] = [];
  return { clock, runs, scheduler, idleness, calls };
}

test("who waits hears of the last step that waits, and once", () => {
  const { clock, scheduler, idleness, calls } = setUp();
  scheduler.after(100, () => scheduler.after(100, () => calls.push("step")));
  idleness.whenIdle(1_000, () => calls.push("idle"));
  clock.advance(199);
  expect(calls).toEqual([]);
  clock.advance(2_000);
  expect(calls).toEqual(["step", "idle"]);
});

test("a callback under way is waited for, too", () => {
  const { clock, runs, scheduler, idleness, calls } = setUp();
  const { callbacks } = runs.current.stats;
  scheduler.after(100, () => (callbacks.pending += 1));
  idleness.whenIdle(1_000, () => calls.push("idle"));
  clock.advance(100);
  expect(calls).toEqual([]);
  callbacks.pending -= 1;
  idleness.check();
  expect(calls).toEqual(["idle"]);
});

test("the wait is over at its time, whatever is still to come", () => {
  const { clock, scheduler, idleness, calls } = setUp();
  scheduler.after(2_000, () => {});
  idleness.whenIdle(1_000, () => calls.push("over"));
  idleness.whenIdle(0, () => calls.push("at once"));
  expect(calls).toEqual(["at once"]);
  clock.advance(1_000);
  expect([...calls, idleness.isIdle]).toEqual(["at once", "over", false]);
});

test("who has gone is not called", () => {
  const { clock, scheduler, idleness, calls } = setUp();
  scheduler.after(100, () => {});
  idleness.whenIdle(1_000, () => calls.push("idle"))();
  clock.advance(2_000);
  expect(calls).toEqual([]);
});

test("forgetting everything makes it idle", () => {
  const { runs, scheduler, idleness, calls } = setUp();
  runs.current.stats.callbacks.pending = 1;
  scheduler.after(100, () => {});
  idleness.whenIdle(1_000, () => calls.push("idle"));
  runs.startAgain();
  scheduler.clear();
  expect(calls).toEqual(["idle"]);
});
