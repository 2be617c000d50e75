import type { ListFailure, MessageListing } from "@wahub/twilio";

/** Which accounts are not asked for a list just now, because it has failed for a reason that the next one would share. */
export interface AccountRests {
  /** How long the account still rests. */
  leftMs(accountSid: string): number;
  /** Takes note of an answer; returns how long the account rests now. */
  note(accountSid: string, listing: MessageListing): number;
}

const firstRestMs = 1_000;

/** About one recipient, and not about the account. */
const ofOneRecipient: ReadonlySet<ListFailure> = new Set(["unreadable", "too_long"]);

/**
 * Rests of one process, in memory: twice as long after each failure in a row, up to `longestMs`, or as long as Twilio says.
 *
 * @param monotonicMs a clock that never jumps
 */
export function createAccountRests(monotonicMs: () => number, longestMs = 60_000): AccountRests {
  const rests = new Map<string, { untilMs: number; failures: number }>();
  return {
    leftMs: (accountSid) => Math.max((rests.get(accountSid)?.untilMs ?? -Infinity) - monotonicMs(), 0),
    note(accountSid, listing) {
      if (listing.kind === "listed") {
        rests.delete(accountSid);
        return 0;
      }
      if (ofOneRecipient.has(listing.why)) return 0;
      // Of several asked at once the first failure counts.
      const leftMs = this.leftMs(accountSid);
      if (leftMs > 0) return leftMs;
      const failures = (rests.get(accountSid)?.failures ?? 0) + 1;
      const waitMs = listing.retryAfterMs ?? Math.min(firstRestMs * 2 ** (failures - 1), longestMs);
      rests.set(accountSid, { untilMs: monotonicMs() + waitMs, failures });
      return waitMs;
    },
  };
}
