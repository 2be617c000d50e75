import { comparableText, statusOfTwilioWord } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import type { HttpAnswer } from "./http-exchange.ts";
import { retryAfterMs } from "./retry-after.ts";

/** A message in Twilio's list, as far as it matters. */
export interface ListedMessage {
  readonly sid: string;
  /** A word that we do not know says that Twilio has it: SUBMITTED. */
  readonly status: MessageStatus;
  /** 0 for none. */
  readonly errorCode: number;
  /** When Twilio took it; ms since 1970, whole seconds. */
  readonly createdAt: number;
  /** From `comparableText`. Personal: never log it. */
  readonly text: string;
}

/** Why a list cannot be had. */
export type ListFailure =
  | "no_credentials"
  /** 401 or 403: what the token may not see. */
  | "refused"
  | "throttled"
  | "server_error"
  | "connection"
  | "timeout"
  /** Not what a list looks like. */
  | "unreadable"
  /** More pages than are read, or in more time. */
  | "too_long";

export type ListPage =
  /** `next`: path and query of the page that follows. */
  | { readonly kind: "page"; readonly messages: readonly ListedMessage[]; readonly next: string | undefined }
  | { readonly kind: "unavailable"; readonly why: ListFailure; readonly retryAfterMs?: number };

/** Directions that none of our messages has. */
const otherDirections: readonly unknown[] = ["inbound", "outbound-call", "outbound-reply"];

/**
 * Reads one page of a list. A single message that cannot be read spoils it: a list with holes proves nothing.
 *
 * @param path of the list; a link to a page that leads elsewhere is not followed
 */
export function readListPage(answer: HttpAnswer, path: string): ListPage {
  if (answer.status !== 200) return { kind: "unavailable", ...failureOf(answer) };
  const { messages, next_page_uri: next } = asObject(parse(answer.body));
  const isNext = next === null || (typeof next === "string" && next.startsWith(`${path}?`));
  if (!Array.isArray(messages) || !isNext) return unreadable;
  const read: ListedMessage[] = [];
  for (const entry of messages) {
    const fields = asObject(entry);
    if (otherDirections.includes(fields["direction"])) continue;
    const message = readMessage(fields);
    if (message === undefined) return unreadable;
    read.push(message);
  }
  return { kind: "page", messages: read, next: next ?? undefined };
}

const unreadable: ListPage = { kind: "unavailable", why: "unreadable" };

function readMessage({ sid, status, error_code, date_created, body }: Record<string, unknown>) {
  const createdAt = typeof date_created === "string" ? Date.parse(date_created) : Number.NaN;
  if (typeof sid !== "string" || !/^(SM|MM)[0-9a-f]{32}$/i.test(sid) || Number.isNaN(createdAt)) return undefined;
  if (typeof status !== "string") return undefined;
  return {
    sid,
    status: statusOfTwilioWord(status) ?? MessageStatus.SUBMITTED,
    errorCode: Number.isInteger(error_code) ? (error_code as number) : 0,
    createdAt,
    text: typeof body === "string" ? comparableText(body) : "",
  };
}

function failureOf({ status, headers }: HttpAnswer): { why: ListFailure; retryAfterMs?: number } {
  if (status >= 500) return { why: "server_error" };
  if (status === 401 || status === 403) return { why: "refused" };
  if (status !== 429) return { why: "unreadable" };
  const waitMs = retryAfterMs(headers["retry-after"], Date.now());
  return { why: "throttled", ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
