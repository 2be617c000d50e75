import type { UnknownReason } from "@wahub/domain";

/**
 * How far a request got that ended without a whole answer.
 *
 * - `not_started`: given up before anything was tried; nobody's fault
 * - `not_sent`: no connection came about; not a byte of the request left
 * - the rest: bytes left, so nobody can say whether Twilio has the message
 */
export type FailureKind = "not_started" | "not_sent" | Exclude<UnknownReason, "server_error" | "unexpected_status">;

/**
 * A request that ended without a whole answer. Carries the system's error code and nothing of the request: raw errors
 * of HTTP clients hold the credentials and the form.
 */
export class RequestFailure extends Error {
  readonly kind: FailureKind;
  /** For example `ECONNREFUSED`. */
  readonly code: string | undefined;

  constructor(kind: FailureKind, code?: string) {
    super(code === undefined ? kind : `${kind} (${code})`);
    this.name = "RequestFailure";
    this.kind = kind;
    this.code = code;
  }
}
