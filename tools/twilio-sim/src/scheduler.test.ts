import { describe, expect, test } from "@jest/globals";
import { createScheduler } from "./scheduler.ts";
import { createManualClock } from "./testing/manual-clock.ts";

describe("the scheduler", () => {
  test("runs a thousand tasks in the order of their times, equal times as they came", () => {
    const clock = createManualClock();
    const scheduler = createScheduler(clock);
    const ran: { delay: number; order: number }[] = [];
    for (let order = 0; order < 1_000; order += 1) {
      const delay = (order * 7919) % 101;
      scheduler.after(delay, () => ran.push({ delay, order }));
    }
    expect(scheduler.size).toBe(1_000);
    clock.advance(101);
    expect(scheduler.size).toBe(0);
    expect(ran).toHaveLength(1_000);
    expect(ran).toEqual(ran.toSorted((a, b) => a.delay - b.delay || a.order - b.order));
  });

  test("runs nothing before its time", () => {
    const clock = createManualClock();
    const scheduler = createScheduler(clock);
    let runs = 0;
    scheduler.after(100, () => (runs += 1));
    clock.advance(99);
    expect(runs).toBe(0);
    clock.advance(1);
    expect(runs).toBe(1);
  });

  test("takes new tasks from a running one, earlier than those that wait", () => {
    const clock = createManualClock();
    const scheduler = createScheduler(clock);
    const ran: string[] = [];
    scheduler.after(10, () => {
      ran.push("first");
      scheduler.after(5, () => ran.push("nested"));
    });
    scheduler.after(20, () => ran.push("last"));
    clock.advance(20);
    expect(ran).toEqual(["first", "nested", "last"]);
  });

  test("forgets everything on clear, and works on afterwards", () => {
    const clock = createManualClock();
    const scheduler = createScheduler(clock);
    const ran: string[] = [];
    scheduler.after(10, () => ran.push("forgotten"));
    scheduler.clear();
    scheduler.after(30, () => ran.push("kept"));
    clock.advance(30);
    expect(ran).toEqual(["kept"]);
  });

  test("runs the other tasks when one throws", () => {
    const clock = createManualClock();
    const scheduler = createScheduler(clock);
    const ran: string[] = [];
    scheduler.after(10, () => {
      throw new Error("from a task");
    });
    scheduler.after(10, () => ran.push("other"));
    expect(() => clock.advance(10)).toThrow("from a task");
    clock.advance(1);
    expect(ran).toEqual(["other"]);
  });
});
