import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { MessageStatus } from "@wahub/proto";
import { createMessageList, type MessageList, type MessageListing, type MessageListOptions } from "./message-list.ts";

const accountSid = `AC${"a".repeat(32)}`;
const authToken = "a-secret-token";
const from = "+15555550199";
const path = `/2010-04-01/Accounts/${accountSid}/Messages.json`;
const cleanups: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A list behind a real server, and what it was asked. */
async function startList(
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
  options: Partial<MessageListOptions> = {},
): Promise<MessageList & { readonly asked: readonly URL[]; readonly authorizations: readonly unknown[] }> {
  const asked: URL[] = [];
  const authorizations: unknown[] = [];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url!, "http://twilio"));
    authorizations.push(request.headers.authorization);
    handler(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const list = createMessageList({
    accounts: [{ sid: accountSid, authToken }],
    apiBaseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/behind/`,
    maxConnections: 2,
    requestTimeoutMs: 2_000,
    ...options,
  });
  cleanups.push(
    () => {
      server.closeAllConnections();
      server.close();
    },
    () => list.close(),
  );
  return { ...list, asked, authorizations };
}

const sid = (n: number): string => `SM${n.toString(16).padStart(32, "0")}`;

function resource(n: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    sid: sid(n),
    status: "queued",
    error_code: null,
    date_created: "Thu, 24 Aug 2023 05:01:45 +0000",
    date_sent: null,
    direction: "outbound-api",
    body: "Your parcel!",
    ...more,
  };
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

const page = (messages: readonly unknown[], next: string | null = null) => ({ messages, next_page_uri: next });
const ask = { accountSid, from, to: ["+15555550100"] };

/** What comes of one answer to the first question. */
async function listed(status: number, body: unknown, headers: Record<string, string> = {}): Promise<MessageListing> {
  const list = await startList((_request, response) => answer(response, status, body, headers));
  return list.list(ask);
}

describe("the list", () => {
  test("asks by sender and recipient and reads what matters", async () => {
    const list = await startList((_request, response) =>
      answer(response, 200, page([resource(1), resource(2, { status: "undelivered", error_code: 63016 })])),
    );
    const at = Date.UTC(2023, 7, 24, 5, 1, 45);
    expect(await list.list(ask)).toEqual({
      kind: "listed",
      messages: [
        { sid: sid(1), status: MessageStatus.SUBMITTED, errorCode: 0, createdAt: at, text: "yourparcel" },
        { sid: sid(2), status: MessageStatus.UNDELIVERED, errorCode: 63016, createdAt: at, text: "yourparcel" },
      ],
    });
    expect(list.asked.map((url) => url.pathname)).toEqual([`/behind${path}`]);
    expect(Object.fromEntries(list.asked[0]!.searchParams)).toEqual({
      From: `whatsapp:${from}`,
      To: "whatsapp:+15555550100",
      PageSize: "50",
    });
    expect(list.authorizations).toEqual([`Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`]);
  });

  test("follows the pages to the end and counts a message once", async () => {
    const pages = [page([resource(1)], `${path}?Page=1`), page([resource(1), resource(2)], `${path}?Page=2`), page([])];
    const list = await startList((_request, response) => answer(response, 200, pages[list.asked.length - 1]));
    const { messages } = (await list.list(ask)) as Extract<MessageListing, { kind: "listed" }>;
    expect(messages.map((message) => message.sid)).toEqual([sid(1), sid(2)]);
    expect(list.asked.map((url) => url.pathname + url.search).slice(1)).toEqual([
      `/behind${path}?Page=1`,
      `/behind${path}?Page=2`,
    ]);
  });

  test("asks for every form of the number", async () => {
    const list = await startList((_request, response) => answer(response, 200, page([resource(list.asked.length)])));
    const { messages } = (await list.list({ ...ask, to: ["+525512345678", "+5215512345678"] })) as Extract<
      MessageListing,
      { kind: "listed" }
    >;
    expect(messages).toHaveLength(2);
    expect(list.asked.map((url) => url.searchParams.get("To"))).toEqual([
      "whatsapp:+525512345678",
      "whatsapp:+5215512345678",
    ]);
  });

  test("leaves out what comes in, and takes a status it does not know for one of a message", async () => {
    const messages = [resource(1, { direction: "inbound", status: "received" }), resource(2, { status: "teleported" })];
    expect(await listed(200, page(messages))).toMatchObject({
      kind: "listed",
      messages: [{ sid: sid(2), status: MessageStatus.SUBMITTED }],
    });
  });

  test.each<[string, number, unknown, string]>([
    ["a wrong token", 401, { code: 20003 }, "refused"],
    ["a server in trouble", 500, { code: 20500 }, "server_error"],
    ["a gateway's page", 502, "<html>", "server_error"],
    ["a list that is not there", 404, { code: 20404 }, "unreadable"],
    ["no JSON", 200, "<html>", "unreadable"],
    ["half of it", 200, JSON.stringify(page([resource(1)])).slice(0, -20), "unreadable"],
    ["no messages", 200, { next_page_uri: null }, "unreadable"],
    ["no word about the next page", 200, { messages: [] }, "unreadable"],
    ["a next page elsewhere", 200, page([], "https://example.com/?a"), "unreadable"],
    ["a message without an id", 200, page([resource(1, { sid: "x" })]), "unreadable"],
    ["a message without a time", 200, page([resource(1, { date_created: null })]), "unreadable"],
    ["a redirect", 302, "", "unreadable"],
  ])("cannot be had from %s", async (_name, status, body, why) => {
    expect(await listed(status, body)).toEqual({ kind: "unavailable", why });
  });

  test("says how long to wait where Twilio does", async () => {
    expect(await listed(429, { code: 20429 }, { "retry-after": "7" })).toEqual({
      kind: "unavailable",
      why: "throttled",
      retryAfterMs: 7_000,
    });
  });

  test("cannot be had when a later page cannot, or when there is no end of pages", async () => {
    const broken = await startList((_request, response) =>
      broken.asked.length === 1 ? answer(response, 200, page([resource(1)], `${path}?Page=1`)) : response.destroy(),
    );
    expect(await broken.list(ask)).toEqual({ kind: "unavailable", why: "connection" });
    const endless = await startList(
      (_request, response) => answer(response, 200, page([resource(1)], `${path}?Page=1`)),
      { maxPages: 3 },
    );
    expect(await endless.list(ask)).toEqual({ kind: "unavailable", why: "too_long" });
    expect(endless.asked).toHaveLength(3);
    const slow = await startList(
      (_request, response) => void setTimeout(() => answer(response, 200, page([resource(1)], `${path}?Page=1`)), 20),
      { maxMs: 50 },
    );
    expect(await slow.list(ask)).toEqual({ kind: "unavailable", why: "too_long" });
    expect(slow.asked.length).toBeLessThanOrEqual(4);
  });

  test("cannot be had in time, without a server, without a token", async () => {
    const silent = await startList(() => undefined, { requestTimeoutMs: 100 });
    expect(await silent.list(ask)).toEqual({ kind: "unavailable", why: "timeout" });
    expect(await silent.list({ ...ask, accountSid: `AC${"b".repeat(32)}` })).toEqual({
      kind: "unavailable",
      why: "no_credentials",
    });
    const nobody = createMessageList({
      accounts: [{ sid: accountSid, authToken }],
      apiBaseUrl: "http://127.0.0.1:1",
      maxConnections: 1,
      requestTimeoutMs: 1_000,
    });
    cleanups.push(() => nobody.close());
    expect(await nobody.list(ask)).toEqual({ kind: "unavailable", why: "connection" });
  });

  test("asks no more at once than there are connections", async () => {
    let [now, most] = [0, 0];
    const list = await startList((_request, response) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        answer(response, 200, page([]));
      });
    });
    await Promise.all(Array.from({ length: 10 }, () => list.list(ask)));
    expect(most).toBeLessThanOrEqual(2);
    expect(list.asked).toHaveLength(10);
  });
});
