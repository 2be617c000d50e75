import { HttpClient } from "./http-client.ts";
import { type ListedMessage, type ListFailure, readListPage } from "./list-page.ts";
import { RequestFailure } from "./request-failure.ts";
import { apiBase, createSdkClient } from "./sdk-client.ts";

export interface MessageListOptions {
  /** The accounts that may be asked for. */
  readonly accounts: readonly { readonly sid: string; readonly authToken: string }[];
  /** Where the API is; Twilio itself where absent. */
  readonly apiBaseUrl?: string | undefined;
  /** Connections to Twilio, apart from those that messages leave on. */
  readonly maxConnections: number;
  /** For one page, from the first byte of the request to the last of the answer; as long again for a free connection. */
  readonly requestTimeoutMs: number;
  readonly userAgent?: string;
  /** A list with more pages of 50 cannot be had. Default: 40. */
  readonly maxPages?: number;
  /** Nor can one of which a page is still missing after this. Default: four times `requestTimeoutMs`. */
  readonly maxMs?: number;
}

/** Whose messages are listed. Numbers are E.164. */
export interface ListRequest {
  readonly accountSid: string;
  readonly from: string;
  /** Every way the recipient's number is written. */
  readonly to: readonly string[];
}

export type MessageListing =
  /** All of them, each once. Complete as far as Twilio's list is. */
  | { readonly kind: "listed"; readonly messages: readonly ListedMessage[] }
  | { readonly kind: "unavailable"; readonly why: ListFailure; readonly retryAfterMs?: number };

export interface MessageList {
  /** The longest that a list takes. */
  readonly longestMs: number;
  /** The messages that Twilio has taken from `from` for `to`. Never throws: whatever happens is an answer. */
  list(request: ListRequest): Promise<MessageListing>;
  close(): Promise<void>;
}

/** Twilio's default. A page of the longest texts stays below what is read of an answer. */
const pageSize = 50;

const defaultMaxPages = 40;

/**
 * Asks Twilio which messages it has, through the official SDK. Lists by To and From, never by DateSent, which is null while a
 * message is queued; follows the pages to the end, whatever their order.
 */
export function createMessageList(options: MessageListOptions): MessageList {
  const { maxPages = defaultMaxPages, requestTimeoutMs, maxMs = 4 * requestTimeoutMs } = options;
  const baseUrl = apiBase(options.apiBaseUrl);
  const http = new HttpClient({ ...options, origin: new URL(baseUrl).origin });
  const clients = new Map(
    options.accounts.map(({ sid, authToken }) => [sid, createSdkClient({ ...options, sid, authToken, baseUrl, http })]),
  );

  async function list({ accountSid, from, to }: ListRequest): Promise<MessageListing> {
    const client = clients.get(accountSid);
    if (client === undefined) return { kind: "unavailable", why: "no_credentials" };
    const enoughAt = performance.now() + maxMs;
    const listed = new Map<string, ListedMessage>();
    const path = `/2010-04-01/Accounts/${accountSid}/Messages.json`;
    try {
      for (const number of to) {
        const filter = { from: `whatsapp:${from}`, to: `whatsapp:${number}`, pageSize };
        let ask: () => Promise<unknown> = () => client.messages.page(filter);
        for (let pages = 1; ; pages++) {
          if (pages > maxPages || performance.now() > enoughAt) return { kind: "unavailable", why: "too_long" };
          const page = readListPage(await http.exchange(performance.now() + requestTimeoutMs, ask), path);
          if (page.kind === "unavailable") return page;
          for (const message of page.messages) listed.set(message.sid, message);
          const { next } = page;
          if (next === undefined) break;
          ask = () => client.messages.getPage(baseUrl + next);
        }
      }
      return { kind: "listed", messages: [...listed.values()] };
    } catch (error) {
      return { kind: "unavailable", why: failureOf(error) };
    }
  }

  // The last page begins in time, waits for a connection, and is read.
  return { longestMs: maxMs + 2 * requestTimeoutMs, list, close: () => http.close() };
}

function failureOf(error: unknown): ListFailure {
  if (!(error instanceof RequestFailure)) return "connection";
  switch (error.kind) {
    case "timeout":
      return "timeout";
    case "unreadable_answer":
      return "unreadable";
    case "not_started":
    case "not_sent":
    case "connection_lost":
      return "connection";
  }
}
