/**
 * How an answer leaves: whole, broken off in the middle of its body (politely, or by a reset), with a reset instead of an
 * answer, or never.
 */
export type Ending = "whole" | "truncated" | "reset_in_body" | "reset" | "hang";

/** What a route answers with. */
export interface Answer {
  readonly status: number;
  /** An object is sent as JSON, a text as HTML, null as nothing at all. */
  readonly body: object | string | null;
  /** The 32 digits of the request id; random unless given. */
  readonly requestDigits?: string;
  /** Default: whole. */
  readonly ending?: Ending;
  /** A 429 without its Retry-After, although the knob asks for one. */
  readonly withoutRetryAfter?: boolean;
}
