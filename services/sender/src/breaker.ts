import type { SendOutcome } from "@wahub/domain";

/** Notices runs of requests without an answer: something about the whole account, or the way to it, is amiss. */
export interface Breaker {
  /** Counts an outcome of the account. True when it completes a run; the next run is counted from there. */
  isRun(accountId: string, outcome: SendOutcome): boolean;
}

/**
 * Counts consecutive requests without an answer per account, in this process: unknown outcomes, and those that found no
 * connection. Only a clear answer of Twilio ends a run: a request that was never made says nothing.
 *
 * @param length how many make a run
 */
export function createBreaker(length: number): Breaker {
  const runs = new Map<string, number>();
  return {
    isRun(accountId, outcome) {
      if (isClear(outcome)) runs.delete(accountId);
      if (outcome.kind !== "unknown" && outcome.kind !== "unreachable") return false;
      const run = (runs.get(accountId) ?? 0) + 1;
      if (run >= length) runs.delete(accountId);
      else runs.set(accountId, run);
      return run >= length;
    },
  };
}

function isClear(outcome: SendOutcome): boolean {
  switch (outcome.kind) {
    case "submitted":
    case "rejected":
    case "paused":
    case "transient":
      return true;
    case "throttled":
      return outcome.scope !== "message";
    case "unreachable":
    case "unknown":
      return false;
  }
}
