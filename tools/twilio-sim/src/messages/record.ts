import type { MessageStatus } from "./status.ts";

/** What a create asks for, once it has been found valid. */
export interface Draft {
  /** With its channel: `whatsapp:+1555...`. */
  readonly to: string;
  readonly from: string;
  readonly body: string;
  readonly numMedia: number;
  /** Whether it was made from a template (ContentSid). */
  readonly fromTemplate: boolean;
  /** As given, with its fragment. */
  readonly statusCallback: string | null;
}

/** What goes wrong with a message from its acceptance on. */
export interface Misfit {
  /** Another address for lists to know it under. */
  readonly listedTo?: string | undefined;
  /** By name, in the order in which they come. */
  readonly faults?: readonly string[];
}

/**
 * One accepted message. A benchmark keeps a million of these, so instants are whole milliseconds since the ledger was
 * opened (V8 keeps small integers inside the object) and absent ones are null; `Ledger.instant` turns them into dates.
 */
export interface MessageRecord extends Draft {
  /** Its place in the ledger; every random decision about it is a function of this. */
  readonly index: number;
  /** The message accepted before this one for the same recipient, or -1. */
  readonly olderToSame: number;
  /** The address that lists know it under: `to`, unless they lie about it. */
  readonly listedTo: string;
  /** What befell it, by the names of the knobs; null for nothing. */
  readonly faults: readonly string[] | null;
  readonly acceptedAt: number;
  status: MessageStatus;
  updatedAt: number;
  sentAt: number | null;
  deliveredAt: number | null;
  readAt: number | null;
  /** When it became failed or undelivered. */
  failedAt: number | null;
  errorCode: number | null;
  /** Finished callbacks, packed by `packOutcome`; null until the first one. */
  callbacks: number[] | null;
}
