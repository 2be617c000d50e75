import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as Twilio's list has it. Numbers are E.164. */
export interface TwilioMessage {
  readonly sid: string;
  readonly from: string;
  readonly to: string;
  readonly createdAt: Date;
  readonly body: string;
  readonly status?: string;
  readonly errorCode?: number;
}

/** The part of Twilio's API that answers which messages there are. */
export interface ListServer {
  readonly url: string;
  /** What the list has; newest first, as in Twilio's. */
  readonly messages: TwilioMessage[];
  /** Answers each list with this HTTP status; 200 for the list. */
  status: number;
  /** Lists asked for so far. */
  readonly asked: number;
  /** Called before each answer. */
  beforeAnswer: () => Promise<void> | void;
  stop(): Promise<void>;
}

/** Starts one on a free port. Pages have two messages, so that a second message to anybody already needs the next page. */
export async function startListServer(): Promise<ListServer> {
  let asked = 0;
  const server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked++;
    await list.beforeAnswer();
    if (list.status !== 200) return void response.writeHead(list.status).end("{}");
    const url = new URL(request.url!, "http://twilio");
    const page = Number(url.searchParams.get("Page") ?? 0);
    const of = (name: string): string | undefined => url.searchParams.get(name)?.replace("whatsapp:", "");
    const matching = list.messages.filter(({ from, to }) => from === of("From") && to === of("To"));
    url.searchParams.set("Page", `${page + 1}`);
    const next = matching.length > 2 * (page + 1) ? url.pathname + url.search : null;
    const messages = matching.slice(2 * page, 2 * page + 2).map((message) => ({
      sid: message.sid,
      status: message.status ?? "queued",
      error_code: message.errorCode ?? null,
      date_created: message.createdAt.toUTCString().replace("GMT", "+0000"),
      direction: "outbound-api",
      body: message.body,
    }));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ messages, next_page_uri: next }));
  };
  await once(server, "listening");
  const list: ListServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages: [],
    status: 200,
    get asked() {
      return asked;
    },
    beforeAnswer: () => undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return list;
}
