import { retryDelayMs, type ErrorScope, type RetrySchedule, type SendOutcome } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import type { AttemptOutcome } from "@wahub/store";

/** How long messages wait after each kind of "not taken". */
export interface WaitPolicy {
  readonly retry: RetrySchedule;
  /** After "too fast" without a hint from the provider, and where there is no way to it. */
  readonly throttledMs: number;
}

/** Where the account may not send to the recipient's country: people have to change that, other countries go on. */
const countryWaitMs = 3_600_000;

/**
 * What to record for an outcome. Back to accepted only where the provider certainly did not take the message; only a
 * passing failure spends a try; when none is left it is final. A message whose sender, account or batch is paused for it
 * is due at once: the pause holds it back, and when that ends it goes on.
 *
 * @param triesSpent tries spent before this attempt
 * @param random a number in [0, 1), spreads the waits
 */
export function outcomeToRecord(
  outcome: SendOutcome,
  facts: { triesSpent: number; now: Date; random: number; policy: WaitPolicy },
): AttemptOutcome["result"] {
  const { triesSpent, now, random, policy } = facts;
  const backAfter = (waitMs: number, spendsTry: boolean, errorCode: number, errorMessage: string) => ({
    status: MessageStatus.ACCEPTED,
    nextAt: new Date(now.getTime() + waitMs),
    spendsTry,
    errorCode,
    errorMessage,
  });
  switch (outcome.kind) {
    case "submitted":
      return { status: MessageStatus.SUBMITTED, sid: outcome.sid };
    case "unreachable":
      return backAfter(Math.round(policy.throttledMs * (0.5 + random)), false, 0, outcome.message);
    case "throttled": {
      const waitMs = outcome.retryAfterMs ?? Math.round(policy.throttledMs * (0.5 + random));
      return backAfter(waitMs, false, outcome.code, "throttled");
    }
    case "paused": {
      const waitMs = isPausedAsAWhole(outcome.scope) ? 0 : Math.round(countryWaitMs * (1 + 0.1 * random));
      return backAfter(waitMs, false, outcome.code, outcome.message);
    }
    case "transient": {
      const delayMs = retryDelayMs(policy.retry, triesSpent + 1, random);
      return delayMs === undefined
        ? { status: MessageStatus.FAILED, errorCode: outcome.code, errorMessage: outcome.message }
        : backAfter(delayMs, true, outcome.code, outcome.message);
    }
    case "rejected":
      return { status: MessageStatus.FAILED, errorCode: outcome.code, errorMessage: outcome.message };
    case "unknown":
      return { status: MessageStatus.UNKNOWN, errorMessage: outcome.why };
  }
}

function isPausedAsAWhole(scope: ErrorScope): boolean {
  return scope === "account" || scope === "sender" || scope === "batch";
}
