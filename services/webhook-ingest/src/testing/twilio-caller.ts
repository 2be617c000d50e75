import { createHmac } from "node:crypto";
import { statusCallbackUrl } from "@wahub/twilio/webhooks";

/** A Twilio account that does not exist. */
export const testAccount = { sid: `AC${"0".repeat(32)}`, authToken: "a token of nobody" } as const;

/** The public URL that the tests' callbacks are signed over; requests go elsewhere, as behind a proxy. */
export const publicWebhookUrl = "https://hooks.example.com/hub";

/** One status callback as Twilio posts it. */
export interface TestCallback {
  readonly messageSid: string;
  readonly status: string;
  readonly errorCode?: number;
  /** Message and attempt in the URL; without them the callback comes as it does for a message sent by somebody else. */
  readonly target?: { readonly messageId: string; readonly attempt: number };
  readonly accountSid?: string;
  readonly path?: string;
  /** Signs with another token. */
  readonly authToken?: string;
}

/** The message SID that `n` stands for. */
export function messageSid(n: number): string {
  return `SM${n.toString(16).padStart(32, "0")}`;
}

/** Posts a callback and returns the answer's status. */
export async function postCallback(serviceUrl: string, callback: TestCallback): Promise<number> {
  const { messageSid: sid, status, target } = callback;
  const form: Record<string, string> = {
    ChannelPrefix: "whatsapp",
    ApiVersion: "2010-04-01",
    MessageStatus: status,
    SmsSid: sid,
    SmsStatus: status,
    To: "whatsapp:+14155550123",
    From: "whatsapp:+14155550100",
    MessageSid: sid,
    AccountSid: callback.accountSid ?? testAccount.sid,
    ...(callback.errorCode === undefined ? {} : { ErrorCode: String(callback.errorCode) }),
  };
  const pathAndQuery =
    target === undefined
      ? (callback.path ?? "/webhooks/twilio/status")
      : statusCallbackUrl("", target.messageId, target.attempt).split("#", 1)[0]!;
  const response = await fetch(serviceUrl + pathAndQuery, {
    method: "POST",
    headers: { "x-twilio-signature": sign(publicWebhookUrl + pathAndQuery, form, callback.authToken) },
    body: new URLSearchParams(form),
  });
  await response.arrayBuffer();
  return response.status;
}

/** The signature as Twilio documents it: the URL, then each parameter's name and value in the order of the names. */
export function sign(
  url: string,
  form: Readonly<Record<string, string>>,
  authToken: string = testAccount.authToken,
): string {
  const names = Object.keys(form).toSorted((a, b) => (a < b ? -1 : 1));
  const text = names.reduce((all, name) => all + name + form[name], url);
  return createHmac("sha1", authToken).update(text).digest("base64");
}
