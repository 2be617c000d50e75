/** No answer may hold a message back for longer; whoever is still too fast then is told so again. */
const longestMs = 3_600_000;

/**
 * Reads a `Retry-After` header: seconds or an HTTP date. Twilio does not document it for this API, so it is honoured
 * where present and never needed.
 *
 * @param now wall clock, ms since 1970
 * @returns ms to wait; undefined without a header that can be read
 */
export function retryAfterMs(header: string | string[] | undefined, now: number): number | undefined {
  const value = (typeof header === "string" ? header : header?.[0])?.trim();
  if (value === undefined || value === "") return undefined;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), longestMs);
}
