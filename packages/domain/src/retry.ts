/** How a message that failed for a passing reason is tried again. */
export interface RetrySchedule {
  /** Wait before the second, third, ... try. As many entries as there may be retries. */
  readonly delaysMs: readonly number[];
}

/** Share of a delay by which it is spread up or down, so that messages that failed together do not return together. */
const jitterShare = 0.2;

/**
 * How long to wait before the next try, or undefined when none is left.
 *
 * @param triesSpent tries that ended in a passing failure, this one included
 * @param random a number in [0, 1)
 */
export function retryDelayMs(schedule: RetrySchedule, triesSpent: number, random: number): number | undefined {
  const delayMs = schedule.delaysMs[triesSpent - 1];
  if (delayMs === undefined) return undefined;
  return Math.round(delayMs * (1 - jitterShare + 2 * jitterShare * random));
}
