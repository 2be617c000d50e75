import { MESSAGE_STATUSES } from "./status.ts";
import type { MessageStatus } from "./status.ts";

/** How a callback ended without an HTTP status. Order matters: the position is what a packed outcome stores. */
const ENDS_WITHOUT_ANSWER = [
  "dropped",
  "refused_host",
  "overflow",
  "connect_failed",
  "timed_out",
  "connection_lost",
] as const;

/** The HTTP status of the last answer, or why there is none. */
export type CallbackResult = number | (typeof ENDS_WITHOUT_ANSWER)[number];

/** One finished callback. */
export interface CallbackOutcome {
  readonly status: MessageStatus;
  readonly result: CallbackResult;
  /** POSTs made, retries included; 0 when it was never posted. */
  readonly attempts: number;
}

/** Packs an outcome into one small integer, so that a million messages with three callbacks each stay affordable. */
export function packOutcome({ status, result, attempts }: CallbackOutcome): number {
  const code = typeof result === "number" ? result : ENDS_WITHOUT_ANSWER.indexOf(result);
  return (MESSAGE_STATUSES.indexOf(status) << 16) | (attempts << 12) | code;
}

/** The inverse of `packOutcome`. HTTP statuses start at 100, the other ends lie below. */
export function unpackOutcome(packed: number): CallbackOutcome {
  const code = packed & 0xfff;
  return {
    status: MESSAGE_STATUSES[packed >> 16]!,
    result: ENDS_WITHOUT_ANSWER[code] ?? code,
    attempts: (packed >> 12) & 0xf,
  };
}

/** Whether the receiver took the callback. */
export function wasTaken(result: CallbackResult): boolean {
  return typeof result === "number" && result >= 200 && result < 300;
}
