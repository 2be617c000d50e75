/** The speed of a sender in the terms of GCRA; microseconds, as milliseconds are too coarse for 400 a second. */
export interface Pace {
  /** Time between two messages. Rounded up, so that the speed is never exceeded. */
  readonly intervalUs: number;
  /** How far the theoretical arrival time may lie ahead: the burst without its first message. */
  readonly toleranceUs: number;
}

/** @throws {RangeError} when the speed is not more than 0 */
export function paceOf(messagesPerSecond: number, burstMs: number): Pace {
  if (!(messagesPerSecond > 0) || !Number.isFinite(messagesPerSecond)) {
    throw new RangeError(`messagesPerSecond must be more than 0, not ${messagesPerSecond}`);
  }
  const intervalUs = Math.ceil(1_000_000 / messagesPerSecond);
  const burst = Math.max(1, Math.floor((messagesPerSecond * burstMs) / 1000));
  return { intervalUs, toleranceUs: (burst - 1) * intervalUs };
}
