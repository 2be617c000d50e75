import type { CallbackResult } from "../messages/callback-outcome.ts";

/** What may be tried again: answers of a class, a failed connect (ct), a late answer (rt), or whatever goes wrong. */
const REASONS = ["4xx", "5xx", "ct", "rt", "all"] as const;
type Reason = (typeof REASONS)[number];

/** How long a callback may take and when it is tried again. Times in milliseconds. */
export interface RetryPolicy {
  readonly retries: number;
  readonly retryOn: ReadonlySet<Reason>;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** For all attempts together. */
  readonly totalMs: number;
}

/** Without a fragment Twilio tries once more, and only when it could not connect. */
export const DEFAULT_POLICY: RetryPolicy = {
  retries: 1,
  retryOn: new Set(["ct"]),
  connectTimeoutMs: 5_000,
  readTimeoutMs: 15_000,
  totalMs: 15_000,
};

/**
 * Reads a connection override: the fragment `rc=3&rp=ct,5xx&ct=2000&rt=5000&tt=15000` of a callback URL. A key that is
 * missing, unknown or out of its range counts as not given.
 */
export function parseRetryPolicy(fragment: string): RetryPolicy {
  if (fragment === "") return DEFAULT_POLICY;
  const given = new URLSearchParams(fragment);
  const within = (key: string, min: number, max: number, fallback: number): number => {
    const value = Number(given.get(key) ?? Number.NaN);
    return Number.isInteger(value) && value >= min && value <= max ? value : fallback;
  };
  const named = (given.get("rp") ?? "").split(",");
  const retryOn = REASONS.filter((reason) => named.includes(reason));
  return {
    retries: within("rc", 0, 5, DEFAULT_POLICY.retries),
    retryOn: retryOn.length > 0 ? new Set(retryOn) : DEFAULT_POLICY.retryOn,
    connectTimeoutMs: within("ct", 100, 10_000, DEFAULT_POLICY.connectTimeoutMs),
    readTimeoutMs: within("rt", 100, 15_000, DEFAULT_POLICY.readTimeoutMs),
    totalMs: within("tt", 100, 15_000, DEFAULT_POLICY.totalMs),
  };
}

/** Whether a callback that ended like this is to be tried again, attempts and time permitting. */
export function mayRetry(policy: RetryPolicy, result: CallbackResult): boolean {
  const reason = reasonOf(result);
  return reason !== undefined && (policy.retryOn.has("all") || policy.retryOn.has(reason));
}

function reasonOf(result: CallbackResult): Reason | undefined {
  if (result === "connect_failed") return "ct";
  if (result === "timed_out") return "rt";
  if (result === "connection_lost") return "all";
  if (typeof result !== "number") return undefined;
  if (result >= 500) return "5xx";
  return result >= 400 ? "4xx" : undefined;
}
