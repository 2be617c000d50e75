import { statusOfTwilioWord } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import type { StatusCallback } from "@wahub/store";
import {
  auditFields,
  errorText,
  type CallbackForm,
  type CallbackTarget,
  type StatusCallback as TwilioCallback,
} from "@wahub/twilio/webhooks";

/** A verified callback as it came. */
export interface ReceivedCallback {
  readonly callback: TwilioCallback;
  /** Message and attempt from the URL; undefined where it was called without ours. */
  readonly target: CallbackTarget | undefined;
  readonly form: CallbackForm;
  readonly receivedAt: Date;
}

/** The callback in the words of the store; its status is unspecified where we have none for Twilio's word. */
export function toStatusCallback(received: ReceivedCallback): StatusCallback {
  const { callback, target, form, receivedAt } = received;
  const status = statusOfTwilioWord(callback.status) ?? MessageStatus.UNSPECIFIED;
  const errorCode = callback.errorCode ?? 0;
  return {
    accountSid: callback.accountSid,
    messageSid: callback.messageSid,
    messageId: target?.messageId,
    attempt: target?.attempt,
    status,
    errorCode,
    errorMessage: errorCode === 0 ? "" : errorText(errorCode),
    receivedAt,
    detail: storable(auditFields(form)),
  };
}

/** Without NUL characters, which PostgreSQL has no place for; one of them would fail the whole statement. */
function storable(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.replaceAll("\0", ""), value.replaceAll("\0", "")]),
  );
}
