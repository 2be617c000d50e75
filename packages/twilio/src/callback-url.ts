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
 * Reads the base URL under which Twilio reaches us. What Twilio would refuse with 21609 for every message is refused
 * here, once: it takes no host name with an underscore, and query and fragment are ours.
 *
 * @returns the URL as it was given, trimmed
 * @throws Error that says what would be right
 */
export function readPublicWebhookUrl(text: string): string {
  const trimmed = text.trim();
  const url = URL.parse(trimmed);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") throw new Error("must be a URL https://...");
  if (url.search !== "" || url.hash !== "" || /[?#]$/.test(trimmed))
    throw new Error("must have no query and no fragment");
  if (url.username !== "" || url.password !== "") throw new Error("must have no user name and no password");
  if (url.hostname.includes("_")) throw new Error("must have a host name without underscores: Twilio refuses others");
  return trimmed;
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
