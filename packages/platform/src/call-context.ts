import type { Logger } from "./logger.ts";

/** What a handler knows about the call besides the request. */
export interface CallContext<Caller = undefined> {
  /** As `authenticate` gave it. */
  readonly caller: Caller;
  /** From the caller's `x-request-id`, or new; the answer carries it. */
  readonly requestId: string;
  /** Aborted when the client cancels or vanishes, when the deadline passes, and when the server stops by force. */
  readonly signal: AbortSignal;
  /** Aborted when the server begins to stop: streams without a natural end throw HubError `unavailable` then. */
  readonly stopping: AbortSignal;
  /** Until when the client waits. */
  readonly deadline?: Date;
  /** Adds request id and method to its lines. */
  readonly log: Logger;
}
