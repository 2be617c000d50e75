import type { HubError } from "@wahub/domain";

/** What HTTP has headers of its own for, the same on every door. */
export function headersOf(error: HubError): Record<string, string> {
  return {
    ...(error.kind === "unauthenticated" ? { "www-authenticate": "Bearer" } : {}),
    ...(error.retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(error.retryAfterMs / 1000)) }),
  };
}
