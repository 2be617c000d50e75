import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { OutgoingMessage, SendOutcome } from "@wahub/domain";
import { HttpClient } from "./http-client.ts";
import { maxAnswerBytes } from "./http-exchange.ts";
import { createTwilioProvider } from "./provider.ts";
import type { TwilioProviderOptions } from "./provider.ts";

const accountSid = `AC${"a".repeat(32)}`;
const authToken = "a-secret-token";
const sid = `SM${"1".repeat(32)}`;

const message: OutgoingMessage = {
  messageId: "0195a1b2-c3d4-8e5f-8a7b-0123456789ab",
  attempt: 2,
  accountSid,
  from: "+15555550199",
  to: "+15555550100",
  body: "Grüße & more = 100%",
};

/** Closed in reverse after each test. */
const cleanups: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

async function listen(handler: Handler): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => void handler(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function provider(apiBaseUrl: string, change: Partial<TwilioProviderOptions> = {}) {
  const sender = createTwilioProvider({
    accounts: [{ sid: accountSid, authToken }],
    apiBaseUrl,
    publicWebhookUrl: "https://hub.example.com/",
    maxConnections: 5,
    requestTimeoutMs: 5_000,
    ...change,
  });
  cleanups.push(() => sender.close());
  return sender;
}

/** Well in the future. */
const inTime = (): number => performance.now() + 10_000;

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function created(response: ServerResponse): void {
  json(response, 201, { sid, status: "queued", date_created: "Thu, 24 Aug 2023 05:01:45 +0000" });
}

function refusal(code: number): Record<string, unknown> {
  return { code, message: "no", more_info: "", status: 400 };
}

/** Sends one message to a server that answers like this, when it has read the request. */
async function answered(answer: (response: ServerResponse, request: IncomingMessage) => void): Promise<SendOutcome> {
  const { url } = await listen(async (request, response) => {
    await readBody(request);
    answer(response, request);
  });
  return provider(url, { requestTimeoutMs: 500 }).send(message, inTime());
}

describe("a message", () => {
  test("goes out as Twilio's API wants it", async () => {
    const seen: { request: IncomingMessage; form: URLSearchParams }[] = [];
    const { url } = await listen(async (request, response) => {
      seen.push({ request, form: new URLSearchParams(await readBody(request)) });
      created(response);
    });

    const outcome = await provider(`${url}/behind/`, { userAgent: "whatsapp-hub/1" }).send(message, inTime());

    expect(outcome).toEqual({ kind: "submitted", sid });
    expect(seen).toHaveLength(1);
    const { request, form } = seen[0]!;
    expect(`${request.method} ${request.url}`).toBe(`POST /behind/2010-04-01/Accounts/${accountSid}/Messages.json`);
    expect(request.headers).toMatchObject({
      authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      "user-agent": expect.stringMatching(/^twilio-node\/.* whatsapp-hub\/1$/),
    });
    expect(Object.fromEntries(form)).toEqual({
      From: "whatsapp:+15555550199",
      To: "whatsapp:+15555550100",
      Body: "Grüße & more = 100%",
      StatusCallback: `https://hub.example.com/webhooks/twilio/status?m=${message.messageId}&a=2#rc=3&rp=ct,rt,5xx`,
    });
  });

  test("says how long it is worth delivering, where it is", async () => {
    const { promise, resolve } = Promise.withResolvers<URLSearchParams>();
    const { url } = await listen(async (request, response) => {
      resolve(new URLSearchParams(await readBody(request)));
      created(response);
    });
    await provider(url).send({ ...message, validityS: 900 }, inTime());
    expect((await promise).get("ValidityPeriod")).toBe("900");
  });

  test("goes to the base URL even when the environment names a region", async () => {
    process.env["TWILIO_REGION"] = "ie1";
    cleanups.push(() => void delete process.env["TWILIO_REGION"]);
    expect(await answered(created)).toMatchObject({ kind: "submitted" });
  });

  test("of an account without credentials waits for them", async () => {
    const sender = provider("http://127.0.0.1:9");
    const outcome = await sender.send({ ...message, accountSid: `AC${"b".repeat(32)}` }, inTime());
    expect(outcome).toMatchObject({ kind: "paused", scope: "account" });
  });
});

describe("an answer", () => {
  test.each<[string, (response: ServerResponse) => void, Partial<SendOutcome>]>([
    ["a permanent refusal", (r) => json(r, 400, refusal(21617)), { kind: "rejected", code: 21617, scope: "message" }],
    ["a suppressing one", (r) => json(r, 400, refusal(21610)), { kind: "rejected", code: 21610, scope: "recipient" }],
    ["a transient one", (r) => json(r, 400, refusal(63009)), { kind: "transient", code: 63009 }],
    ["a throttling one", (r) => json(r, 400, refusal(21611)), { kind: "throttled", code: 21611, scope: "sender" }],
    ["a bad template", (r) => json(r, 400, refusal(21655)), { kind: "paused", code: 21655, scope: "batch" }],
    ["a pausing one", (r) => json(r, 400, refusal(63007)), { kind: "paused", code: 63007, scope: "sender" }],
    ["wrong credentials", (r) => json(r, 401, refusal(20003)), { kind: "paused", code: 20003, scope: "account" }],
    ["an ambiguous one", (r) => json(r, 500, refusal(20500)), { kind: "unknown", why: "server_error" }],
    [
      "a 429 with Retry-After",
      (r) => json(r, 429, refusal(20429), { "retry-after": "7" }),
      { kind: "throttled", code: 20429, retryAfterMs: 7000 },
    ],
    ["a 429 with the used-up day", (r) => json(r, 429, refusal(63038)), { kind: "paused", code: 63038 }],
    ["a 429 in HTML", (r) => r.writeHead(429).end("<html>"), { kind: "throttled", code: 0 }],
    ["a 500 without a body", (r) => r.writeHead(500).end(), { kind: "unknown", why: "server_error" }],
    ["a 502 in HTML", (r) => r.writeHead(502).end("<html>"), { kind: "unknown", why: "server_error" }],
    [
      "a 403 in the JSON of a proxy",
      (r) => r.writeHead(403).end('{"code":403,"message":"Forbidden"}'),
      { kind: "unknown", why: "unexpected_status" },
    ],
    ["a 403 in HTML", (r) => r.writeHead(403).end("<html>"), { kind: "unknown", why: "unexpected_status" }],
    ["a 400 with other JSON", (r) => json(r, 400, ["no"]), { kind: "unknown", why: "unexpected_status" }],
    ["a 201 without a SID", (r) => json(r, 201, {}), { kind: "unknown", why: "unreadable_answer" }],
    ["a 201 that is no JSON", (r) => r.writeHead(201).end("created"), { kind: "unknown", why: "unreadable_answer" }],
    ["a 201 that is null", (r) => json(r, 201, null), { kind: "unknown", why: "unreadable_answer" }],
    ["a 204", (r) => r.writeHead(204).end(), { kind: "unknown", why: "unreadable_answer" }],
    [
      "a truncated 201",
      (r) => {
        r.writeHead(201, { "content-length": "500" }).write('{"sid":');
        r.socket!.end();
      },
      { kind: "unknown", why: "unreadable_answer" },
    ],
    [
      "an answer that is too long",
      (r) => r.writeHead(201).end(Buffer.alloc(maxAnswerBytes + 1, " ")),
      { kind: "unknown", why: "unreadable_answer" },
    ],
    ["something that is no HTTP", (r) => r.socket!.end("hello\r\n\r\n"), { kind: "unknown", why: "unreadable_answer" }],
    ["a reset", (r) => (r.socket as Socket).resetAndDestroy(), { kind: "unknown", why: "connection_lost" }],
    ["a closed connection", (r) => r.socket!.end(), { kind: "unknown", why: "connection_lost" }],
    ["silence", () => {}, { kind: "unknown", why: "timeout" }],
    ["silence after the headers", (r) => r.writeHead(201).flushHeaders(), { kind: "unknown", why: "timeout" }],
  ])("%s", async (_label, answer, outcome) => {
    expect(await answered(answer)).toMatchObject(outcome);
  });

  test("that redirects is not followed", async () => {
    const paths: (string | undefined)[] = [];
    const outcome = await answered((response, request) => {
      paths.push(request.url);
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    expect(outcome).toMatchObject({ kind: "paused", scope: "account" });
    expect(paths).toHaveLength(1);
  });

  test("with a code nobody knows is a refusal that somebody is told of", async () => {
    const told: [number, number][] = [];
    const { url } = await listen((_request, response) => json(response, 400, refusal(99999)));
    const onUnknownCode = (code: number, httpStatus: number): void => {
      told.push([code, httpStatus]);
      throw new Error("the observer fails");
    };
    const outcome = await provider(url, { onUnknownCode }).send(message, inTime());
    expect(outcome).toMatchObject({ kind: "rejected", code: 99999, scope: "message" });
    expect(told).toEqual([[99999, 400]]);
  });
});

describe("without a connection nothing was sent, so the message may be tried again", () => {
  test("when the connection is refused", async () => {
    const { server, url } = await listen(() => {});
    server.close();
    await once(server, "close");
    const outcome = await provider(url).send(message, inTime());
    expect(outcome).toEqual({ kind: "unreachable", message: "no connection to Twilio (ECONNREFUSED)" });
  });

  test("when the host has no address", async () => {
    const outcome = await provider("http://twilio.invalid").send(message, inTime());
    expect(outcome).toMatchObject({ kind: "unreachable", message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) });
  });

  test("when the TLS handshake fails", async () => {
    const { url } = await listen(() => {});
    const outcome = await provider(url.replace("http:", "https:")).send(message, inTime());
    expect(outcome).toMatchObject({ kind: "unreachable" });
  });
});

describe("a deadline to start by", () => {
  const backAtOnce = { kind: "throttled", code: 0, scope: "message", retryAfterMs: 0 };

  test("that has passed keeps the request from going out", async () => {
    let requests = 0;
    const { url } = await listen((_request, response) => {
      requests += 1;
      created(response);
    });
    const sender = provider(url);
    expect(await sender.send(message, performance.now())).toEqual(backAtOnce);
    expect(await sender.send(message, inTime())).toMatchObject({ kind: "submitted" });
    expect(await sender.send(message, performance.now() - 1)).toEqual(backAtOnce);
    expect(requests).toBe(1);
  });

  test("counts while all connections are taken", async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const bodies: string[] = [];
    const { url } = await listen(async (request, response) => {
      bodies.push(await readBody(request));
      if (bodies.length === 1) held.resolve(response);
      else created(response);
    });
    const sender = provider(url, { maxConnections: 1 });

    const first = sender.send(message, inTime());
    const response = await held.promise;
    const late = await sender.send({ ...message, body: "late" }, performance.now() + 20);
    created(response);
    await first;
    const last = await sender.send({ ...message, body: "last" }, inTime());

    expect(late).toEqual(backAtOnce);
    expect(last).toMatchObject({ kind: "submitted" });
    expect(bodies.filter((body) => body.includes("late"))).toEqual([]);
  });
});

describe("connections", () => {
  test("are used again", async () => {
    let connections = 0;
    const { server, url } = await listen((_request, response) => created(response));
    server.on("connection", () => (connections += 1));
    const sender = provider(url);
    for (let n = 0; n < 10; n += 1) await sender.send(message, inTime());
    // A second one, because undici frees a connection just after it hands over the answer.
    expect(connections).toBeLessThanOrEqual(2);
  });

  test("are used again after a request that was too late", async () => {
    let connections = 0;
    const { server, url } = await listen((_request, response) => created(response));
    server.on("connection", () => (connections += 1));
    const sender = provider(url, { maxConnections: 1 });
    await sender.send(message, inTime());
    await sender.send(message, performance.now());
    await sender.send(message, inTime());
    expect(connections).toBe(1);
  });

  test("are no more than allowed", async () => {
    let connections = 0;
    const { server, url } = await listen((_request, response) => created(response));
    server.on("connection", () => (connections += 1));
    const sender = provider(url, { maxConnections: 3 });
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => sender.send(message, inTime())));
    expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(["submitted"]));
    expect(connections).toBe(3);
  });

  test("are closed when the requests on their way have their answers", async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const { url } = await listen((_request, response) => held.resolve(response));
    const sender = provider(url);
    const sending = sender.send(message, inTime());
    const response = await held.promise;
    const closing = sender.close();
    created(response);
    expect(await sending).toMatchObject({ kind: "submitted" });
    await closing;
    expect(await sender.send(message, inTime())).toMatchObject({ kind: "throttled", scope: "message" });
  });
});

test("no failure carries credentials, numbers or content", async () => {
  const failures: unknown[] = [];
  const { server, url } = await listen((_request, response) => (response.socket as Socket).resetAndDestroy());
  const http = new HttpClient({ origin: url, maxConnections: 1, requestTimeoutMs: 500 });
  cleanups.push(() => http.close());
  const request = {
    method: "post" as const,
    uri: `${url}/Messages.json`,
    username: accountSid,
    password: authToken,
    data: { To: message.to, Body: message.body },
  };
  const attempt = () =>
    http.exchange(inTime(), () => http.request(request)).catch((error: unknown) => failures.push(error));
  await attempt();
  server.close();
  await once(server, "close");
  await attempt();

  expect(failures).toHaveLength(2);
  const everything = inspect(failures, { depth: 20, showHidden: true, getters: true });
  for (const secret of [authToken, btoa(`${accountSid}:${authToken}`), "5555550100", "more"]) {
    expect(everything).not.toContain(secret);
  }
});
