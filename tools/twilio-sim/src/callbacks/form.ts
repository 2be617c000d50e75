import { createHash } from "node:crypto";
import { maskLastFour, withoutChannel } from "../messages/address.ts";
import { failureText } from "../messages/failure-text.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { MessageStatus } from "../messages/status.ts";

/** The fields of one status callback. */
export type CallbackForm = Readonly<Record<string, string>>;

/** What a form says about whom. */
export interface CallbackFacts {
  readonly record: MessageRecord;
  readonly status: MessageStatus;
  readonly sid: string;
  readonly accountSid: string;
  readonly knobs: Knobs;
}

/** The form of a WhatsApp status callback, field by field in the order of a captured one. */
export function callbackForm({ record, status, sid, accountSid, knobs }: CallbackFacts): CallbackForm {
  const form: Record<string, string> = {
    ChannelPrefix: "whatsapp",
    ApiVersion: "2010-04-01",
    MessageStatus: status,
    SmsSid: sid,
    SmsStatus: status,
    ChannelInstallSid: channelInstallSid(record.from),
    To: record.to,
    From: record.from,
    MessageSid: sid,
  };
  if (status === "sent") form["StructuredMessage"] = String(record.fromTemplate);
  form["AccountSid"] = accountSid;
  form["ChannelToAddress"] = maskLastFour(withoutChannel(record.to));
  if (status === "failed" || status === "undelivered") addFailure(form, record, knobs);
  if (knobs.callbackEventType) form["EventType"] = status.toUpperCase();
  if (knobs.callbackExternalUserId && (status === "delivered" || status === "read")) {
    form["ExternalUserId"] = `whatsapp:ZZ.${1_000_000_000_000_000 + record.index}`;
  }
  return form;
}

function addFailure(form: Record<string, string>, { errorCode }: MessageRecord, knobs: Knobs): void {
  if (errorCode === null) return;
  const text = failureText(errorCode);
  form["ErrorCode"] = String(errorCode);
  form["ChannelStatusMessage"] = text ?? `Error ${errorCode}`;
  if (knobs.callbackErrorMessage && text !== null) form["ErrorMessage"] = text;
}

const installSids = new Map<string, string>();

/** The installation of the WhatsApp channel for a sender: one sid per sender, always the same. */
function channelInstallSid(from: string): string {
  let sid = installSids.get(from);
  if (sid === undefined) {
    sid = `XE${createHash("md5").update(from).digest("hex")}`;
    installSids.set(from, sid);
  }
  return sid;
}
