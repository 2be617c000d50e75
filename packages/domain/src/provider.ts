/** A message as a provider needs it. Whatever is in here is personal: never log it. */
export interface OutgoingMessage {
  readonly messageId: string;
  readonly attempt: number;
  /** Our account with the provider (Twilio: the account SID). */
  readonly accountSid: string;
  /** E.164 number of the WhatsApp sender. */
  readonly from: string;
  /** E.164 number of the recipient. */
  readonly to: string;
  readonly body: string;
  /** Seconds after which the provider is to give it up; undefined for the provider's own time. */
  readonly validityS?: number | undefined;
}

/** What an error concerns: how far its consequences reach. */
export type ErrorScope = "message" | "recipient" | "batch" | "sender" | "account" | "country";

/**
 * What became of one request to the provider. A closed set: each member is handled by the sender, and only `submitted`
 * and `unknown` can mean that the provider has the message.
 */
export type SendOutcome =
  /** The provider took it. */
  | { readonly kind: "submitted"; readonly sid: string }
  /** Not taken: too fast for now. Costs no try. */
  | { readonly kind: "throttled"; readonly code: number; readonly scope: ErrorScope; readonly retryAfterMs?: number }
  /** Not sent: there is no way to the provider. Says nothing about the message and costs no try. */
  | { readonly kind: "unreachable"; readonly message: string }
  /** Not taken, and worth another try. */
  | { readonly kind: "transient"; readonly code: number; readonly message: string }
  /** Not taken and never will be. */
  | { readonly kind: "rejected"; readonly code: number; readonly scope: ErrorScope; readonly message: string }
  /** Not taken for a reason that lies in the whole scope and has to be put right there: costs no try. */
  | { readonly kind: "paused"; readonly code: number; readonly scope: ErrorScope; readonly message: string }
  /** No clear answer: taken or not. `why` is one of a few fixed words. */
  | { readonly kind: "unknown"; readonly why: UnknownReason };

/** Why nobody can say whether the provider took the message. */
export type UnknownReason = "timeout" | "connection_lost" | "server_error" | "unreadable_answer" | "unexpected_status";

/** Hands messages to the outside world. */
export interface MessageProvider {
  /**
   * Sends one message. Never throws: whatever happens is an outcome.
   *
   * @param sendBy monotonic time (`performance.now()`, ms) after which the request must not start any more; the
   *   provider checks it as the last thing before the bytes leave
   */
  send(message: OutgoingMessage, sendBy: number): Promise<SendOutcome>;
}
