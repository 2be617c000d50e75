import type { MessageRecord } from "../messages/record.ts";
import type { MessageStatus } from "../messages/status.ts";
import type { Run } from "../run.ts";
import type { CallbackTarget } from "./target.ts";

/** One callback on its way to one receiver. */
export interface CallbackJob {
  readonly run: Run;
  readonly record: MessageRecord;
  readonly status: MessageStatus;
  readonly target: CallbackTarget;
  /** I-Twilio-Idempotency-Token: the same for retries and for duplicates. */
  readonly token: string;
  /** POSTs made so far. */
  attempts: number;
  /** When all attempts together have taken too long; set by the first. */
  giveUpAt: number | undefined;
  /** To be posted once this one has ended. */
  next: CallbackJob | undefined;
}
