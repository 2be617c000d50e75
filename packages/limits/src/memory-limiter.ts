import { defaultSenderBurstMs } from "./limiter.ts";
import type { LimiterOptions, RateLimiter, Turn, TurnRequest, UnusedTurn } from "./limiter.ts";
import { paceOf } from "./pace.ts";

/**
 * The limits inside one process, for tests: it never forgets a recipient. Decides exactly as acquire.lua and release.lua
 * do; both pass the same suite.
 *
 * @param options.now ms, may have fractions; the wall clock where absent
 */
export function createMemoryLimiter(options: LimiterOptions & { now?: () => number }): RateLimiter {
  const { max, windowMs } = options.recipientLimit;
  const now = options.now ?? Date.now;
  const grantsOf = new Map<string, number[]>();
  const arrivalOf = new Map<string, number>();

  function decide({ senderId, messagesPerSecond, recipientHash, maxWaitMs = 0 }: TurnRequest): Turn {
    const pace = paceOf(messagesPerSecond, options.senderBurstMs ?? defaultSenderBurstMs);
    const nowUs = Math.floor(now() * 1000);

    const grants = grantsOf.get(recipientHash) ?? [];
    const oldest = grants[grants.length - max];
    const recipientWaitUs = oldest === undefined ? 0 : (oldest + windowMs) * 1000 - nowUs;

    const latestUs = nowUs + maxWaitMs * 1000 + pace.toleranceUs + pace.intervalUs;
    const arrivalUs = Math.max(nowUs, Math.min(arrivalOf.get(senderId) ?? 0, latestUs));
    const senderWaitUs = Math.max(0, arrivalUs - pace.toleranceUs - nowUs);

    if (recipientWaitUs > senderWaitUs || senderWaitUs > maxWaitMs * 1000) {
      const limitedBy = recipientWaitUs >= senderWaitUs ? "recipient" : "sender";
      return { granted: false, waitMs: Math.ceil(Math.max(recipientWaitUs, senderWaitUs) / 1000), limitedBy };
    }
    const grantMs = Math.max(Math.ceil((nowUs + senderWaitUs) / 1000), grants.at(-1) ?? 0);
    grantsOf.set(recipientHash, [...grants, grantMs].slice(-max));
    arrivalOf.set(senderId, arrivalUs + pace.intervalUs);
    return { granted: true, waitMs: Math.ceil(senderWaitUs / 1000), grantedAt: grantMs };
  }

  function giveBack({ recipientHash, grantedAt }: UnusedTurn): void {
    const grants = grantsOf.get(recipientHash) ?? [];
    const at = grants.indexOf(grantedAt);
    if (at >= 0) grantsOf.set(recipientHash, grants.toSpliced(at, 1));
  }

  return {
    acquire: async (request) => decide(request),
    release: async (turn) => giveBack(turn),
  };
}
