import { setTimeout as sleep } from "node:timers/promises";
import type { Claim, ClaimRequest, GroupCommit } from "@wahub/store";
import { ifAvailable } from "./unavailable.ts";

export interface ClaimInTimeDeps {
  readonly claims: GroupCommit<ClaimRequest, Claim | undefined>;
  /** Finds claims by their tokens, and claims what is not claimed yet. */
  readonly recoveries: GroupCommit<ClaimRequest, Claim | undefined>;
}

const firstWaitMs = 50;
const longestWaitMs = 1_000;

/**
 * Claims; while PostgreSQL does not answer, again and again with the same token for as long as there is time to send. A
 * claim whose answer was lost is found again, so a short outage costs its message nothing.
 *
 * @param sendBy monotonic time (ms) after which it would be too late
 * @returns `unanswered` where it may have been granted all the same: then it has to be given back
 */
export async function claimInTime(
  deps: ClaimInTimeDeps,
  request: ClaimRequest,
  options: { sendBy: number; signal: AbortSignal },
): Promise<Claim | "refused" | "unanswered"> {
  const { sendBy, signal } = options;
  let answer = await answerOf(deps.claims.submit(request));
  for (let waitMs = firstWaitMs; answer === undefined; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    if (signal.aborted || performance.now() + waitMs >= sendBy) return "unanswered";
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    answer = await answerOf(deps.recoveries.submit(request));
  }
  return answer;
}

/** Undefined where there is none. */
function answerOf(claiming: Promise<Claim | undefined>): Promise<Claim | "refused" | undefined> {
  return ifAvailable(claiming.then((claim) => claim ?? ("refused" as const)));
}
