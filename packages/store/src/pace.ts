/** A scope that was slowed down gets its speed back, from nothing to all of it, in this time. */
export const defaultPaceRecoveryMs = 60_000;

/** Slower than this share of its speed nothing becomes. */
export const minPace = 0.05;

/** The share of its speed that a scope may use now: what it was slowed down to, and what has come back since. */
export function effectivePace(
  stored: { readonly pace: number; readonly pacedAt: Date | undefined },
  now: Date,
  recoveryMs: number,
): number {
  if (stored.pacedAt === undefined) return 1;
  const elapsedMs = Math.max(0, now.getTime() - stored.pacedAt.getTime());
  return Math.min(1, stored.pace + elapsedMs / recoveryMs);
}

/** Whole messages a second at that share of the speed; at least one. */
export function speedAt(messagesPerSecond: number, pace: number): number {
  return Math.max(1, Math.round(messagesPerSecond * pace));
}
