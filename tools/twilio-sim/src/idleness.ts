import type { Clock } from "./clock.ts";
import type { Runs } from "./run.ts";
import type { Scheduler } from "./scheduler.ts";

/** Whether more will happen by itself, and the moment from which it will not. */
export interface Idleness {
  /** No step of a message, no retry and no callback is outstanding. */
  readonly isIdle: boolean;
  /** Looks again. To be called after whatever may have been the last thing under way. */
  check(): void;
  /** Calls `then` once: as soon as it is idle, at the latest after `waitMs`. The returned function calls it off. */
  whenIdle(waitMs: number, then: () => void): () => void;
}

/** Creates it; `scheduler` is the one that steps of messages and retries of callbacks wait in. */
export function createIdleness(deps: { clock: Clock; runs: Runs; scheduler: Scheduler }): Idleness {
  const { clock, runs, scheduler } = deps;
  const waiting = new Set<() => void>();
  const isIdle = (): boolean => scheduler.size === 0 && runs.current.stats.callbacks.pending === 0;
  return {
    get isIdle() {
      return isIdle();
    },
    check() {
      if (waiting.size === 0 || !isIdle()) return;
      for (const end of waiting) end();
    },
    whenIdle(waitMs, then) {
      if (waitMs === 0 || isIdle()) {
        then();
        return () => {};
      }
      const callOff = (): void => {
        waiting.delete(end);
        disarm();
      };
      const end = (): void => {
        callOff();
        then();
      };
      const disarm = clock.after(waitMs, end);
      waiting.add(end);
      return callOff;
    },
  };
}
