import { isUuid } from "@wahub/domain";

/** Where Twilio's status callbacks arrive, below the public URL. */
export const statusCallbackPath = "/webhooks/twilio/status";

/**
 * Twilio reads the fragment and never sends it: three more tries where connecting or answering takes too long or the
 * answer is a 5xx. Its own default is one, and only where no connection comes about.
 */
const retryPolicy = "rc=3&rp=ct,rt,5xx";

/** The attempt that a callback speaks of. */
export interface CallbackTarget {
  readonly messageId: string;
  readonly attempt: number;
}

/**
 * The status callback URL of one attempt. It names message and attempt, so a callback finds its row even when it comes
 * before we know Twilio's SID.
 *
 * @param publicWebhookUrl base that Twilio reaches us under; may have a path prefix and a trailing slash
 */
export function statusCallbackUrl(publicWebhookUrl: string, messageId: string, attempt: number): string {
  return `${withoutTrailingSlash(publicWebhookUrl)}${statusCallbackPath}?m=${messageId}&a=${attempt}#${retryPolicy}`;
}

/**
 * Reads what `statusCallbackUrl` wrote. Undefined for anything it cannot have written: such a callback belongs to
 * nobody.
 *
 * @param query the parsed query of the request
 */
export function readCallbackQuery(query: Readonly<Record<string, unknown>>): CallbackTarget | undefined {
  const { m: messageId, a: attempt } = query;
  if (typeof messageId !== "string" || !isUuid(messageId)) return undefined;
  if (typeof attempt !== "string" || !/^[1-9]\d{0,8}$/.test(attempt)) return undefined;
  return { messageId, attempt: Number(attempt) };
}

/** A base URL that a path can be appended to. */
export function withoutTrailingSlash(url: string): string {
  return url.replace(/\/+$/, "");
}
