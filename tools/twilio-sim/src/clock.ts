const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The only source of time in the simulator; tests pass one that they turn by hand. */
export interface Clock {
  /** Milliseconds since 1970. Never runs backwards, so that a due time stays due. */
  now(): number;
  /** Runs `task` once after `delayMs`; the returned function calls it off. */
  after(delayMs: number, task: () => void): () => void;
}

/** The machine's clock, monotonic from the start of the process. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (delayMs, task) => {
    const timer = setTimeout(task, Math.min(delayMs, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
