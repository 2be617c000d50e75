import type { Clock } from "../clock.ts";

/** A clock that stands still until it is turned. */
export interface ManualClock extends Clock {
  /** Lets `ms` pass and runs what falls due, in order, new tasks included. */
  advance(ms: number): void;
  /** Resolves as soon as something waits for its time. */
  armed(): Promise<void>;
}

/** Creates a clock that shows `startAt` (ms since 1970). */
export function createManualClock(startAt: number = Date.UTC(2026, 0, 31, 12)): ManualClock {
  let now = startAt;
  let tasks: { readonly at: number; readonly run: () => void }[] = [];
  let onArmed: (() => void)[] = [];
  return {
    now: () => now,
    after(delayMs, run) {
      const task = { at: now + delayMs, run };
      tasks.push(task);
      for (const resolve of onArmed.splice(0)) resolve();
      return () => (tasks = tasks.filter((other) => other !== task));
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = tasks.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        tasks = tasks.filter((other) => other !== due);
        now = Math.max(now, due.at);
        due.run();
      }
      // A task may have turned the clock further by itself.
      now = Math.max(now, until);
    },
    armed: () => (tasks.length > 0 ? Promise.resolve() : new Promise((resolve) => onArmed.push(resolve))),
  };
}
