/** What the caller can do about an error; the whole set. See ErrorKind in the proto for the meaning of each. */
export type ErrorKindName =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "not_now"
  | "limited"
  | "unavailable"
  | "internal";

/** One fault in a request. */
export interface Violation {
  /** Path in the request, for example `recipients[17].phone`. */
  readonly field: string;
  readonly index?: number;
  /** What is wrong and what would be right; never repeats personal data. */
  readonly reason: string;
}

/**
 * The one error type that crosses a door. Its message is meant for the caller; the cause stays in our log.
 * Anything else that is thrown reaches the caller as `internal` with a request id and nothing more.
 */
export class HubError extends Error {
  readonly kind: ErrorKindName;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: ErrorKindName,
    message: string,
    options: { violations?: readonly Violation[]; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HubError";
    this.kind = kind;
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The request is wrong in the ways listed. */
export function invalid(violations: readonly Violation[]): HubError {
  const [first] = violations;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return new HubError("invalid", first ? `${first.field}: ${first.reason}${more}` : "the request is invalid", {
    violations,
  });
}

/** There is no such thing, or it belongs to somebody else: the caller cannot tell which. */
export function notFound(what: string): HubError {
  return new HubError("not_found", `${what} not found`);
}
