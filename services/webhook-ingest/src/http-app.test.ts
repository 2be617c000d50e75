import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { createHttpServer, createLogger, createMetrics } from "@wahub/platform";
import { MessageStatus } from "@wahub/proto";
import type { CallbackFate, StatusCallback } from "@wahub/store";
import { createSignatureVerifier } from "@wahub/twilio/webhooks";
import { createWebhookIngestEvents } from "./events.ts";
import { createHttpApp } from "./http-app.ts";
import { createReceiveStatus } from "./receive-status.ts";
import { messageSid, postCallback, publicWebhookUrl, sign, testAccount } from "./testing/twilio-caller.ts";

const target = { messageId: "019cc000-0000-8000-8000-000000000001", attempt: 3 };
const sid = messageSid(1);
const lines: string[] = [];
const taken: StatusCallback[] = [];
let apply: (callback: StatusCallback) => Promise<CallbackFate>;

const log = createLogger({ service: "test", level: "debug", write: (line) => lines.push(line) });
const metrics = createMetrics({ service: "test" });
const events = createWebhookIngestEvents(log, metrics);
const receiveStatus = createReceiveStatus({
  verifier: createSignatureVerifier({
    accounts: [{ sid: testAccount.sid, authTokens: ["the next token", testAccount.authToken] }],
    publicWebhookUrl,
  }),
  callbacks: { submit: (callback) => apply(callback), drain: () => Promise.resolve() },
  events,
  now: () => new Date("2026-03-01T12:00:00Z"),
});
const server = createHttpServer({ host: "127.0.0.1", port: 0, app: createHttpApp({ receiveStatus, events }), log });
let url: string;

beforeAll(async () => {
  await server.start();
  url = `http://127.0.0.1:${server.port}`;
});
afterAll(() => server.stop());
beforeEach(() => {
  taken.length = 0;
  lines.length = 0;
  apply = (callback) => {
    taken.push(callback);
    return Promise.resolve("applied");
  };
});

async function refusals(reason: string): Promise<number> {
  const { values } = await metrics.counter({ name: "whatsapphub_webhooks_refused_total", help: "" }).get();
  return values.find(({ labels }) => (labels as { reason?: string }).reason === reason)?.value ?? 0;
}

const form = { AccountSid: testAccount.sid, MessageSid: sid, MessageStatus: "sent" };
const path = "/webhooks/twilio/status";

interface Change extends Omit<RequestInit, "headers"> {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Posts the fields, well formed and well signed but for the change. */
async function post(fields: Record<string, string>, init: Change = {}, at = path) {
  const headers = { "x-twilio-signature": sign(publicWebhookUrl + at, fields), ...init.headers };
  const response = await fetch(url + at, { method: "POST", body: new URLSearchParams(fields), ...init, headers });
  return { status: response.status, text: await response.text() };
}

describe("a signed callback", () => {
  test("is applied to the message and attempt in its URL and answered without content", async () => {
    expect(await postCallback(url, { messageSid: sid, status: "delivered", target })).toBe(204);
    expect(taken).toMatchObject([{ ...target, messageSid: sid, status: MessageStatus.DELIVERED }]);
  });

  test.each([path, `${path}/`, "/twilio-webhook", "/twilio-webhook/", `${path}?x=%7e&y=a+b`])(
    "may arrive at %s",
    async (at) => {
      expect((await post(form, {}, at)).status).toBe(204);
      expect(taken).toHaveLength(1);
    },
  );

  test("may be signed with any token of its account", async () => {
    const callback = { messageSid: sid, status: "sent", authToken: "the next token" };
    expect(await postCallback(url, callback)).toBe(204);
  });

  test("is kept under no status of ours, with Twilio's word, when it is one we do not know", async () => {
    expect(await postCallback(url, { messageSid: sid, status: "teleported", target })).toBe(204);
    expect(taken).toMatchObject([
      { messageSid: sid, status: MessageStatus.UNSPECIFIED, detail: { MessageStatus: "teleported" } },
    ]);
    expect(lines.join("")).toContain("callback_status_unknown");
  });

  test("is asked for again while the database is away", async () => {
    apply = () => Promise.reject(new HubError("unavailable", "away"));
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await postCallback(url, { messageSid: sid, status: "sent", target }));
    expect(answers).toEqual([503, 503, 503, 503, 503]);
    expect(lines.filter((line) => line.includes("webhook_failed"))).toHaveLength(1);
  });

  test("is answered 500 and not a word about why when we fail", async () => {
    apply = () => Promise.reject(new Error("secret detail"));
    expect(await post(form)).toEqual({ status: 500, text: "internal error\n" });
  });

  test("leaves no phone number in the log", async () => {
    await postCallback(url, { messageSid: sid, status: "sent", target });
    await postCallback(url, { messageSid: sid, status: "teleported", target });
    expect(lines.join("")).not.toContain("4155550123");
  });
});

describe("a request is refused with its own counter and answer", () => {
  const encoded = new URLSearchParams(form).toString();
  const as = (type: string) => ({ body: encoded, headers: { "content-type": type } });
  const urlencoded = "application/x-www-form-urlencoded";
  test.each([
    ["unknown_path", 404, () => post(form, {}, "/webhooks/twilio")],
    ["wrong_method", 405, () => post(form, { method: "GET", body: null })],
    ["wrong_content_type", 415, () => post(form, as("application/json"))],
    ["wrong_content_type", 415, () => post(form, { headers: { "content-encoding": "gzip" } })],
    ["too_large", 413, () => post({ ...form, Body: "x".repeat(70_000) })],
    ["malformed_form", 400, () => post(form, { body: Buffer.from([0xff]), headers: { "content-type": urlencoded } })],
    ["missing_fields", 400, () => post({ MessageSid: sid, MessageStatus: "sent" })],
    ["missing_fields", 400, () => post({ AccountSid: testAccount.sid, MessageStatus: "sent" })],
    ["missing_fields", 400, () => post({ AccountSid: testAccount.sid, MessageSid: sid })],
    ["unknown_account", 403, () => post({ ...form, AccountSid: `AC${"f".repeat(32)}` })],
    ["missing_signature", 403, () => post(form, { headers: { "x-twilio-signature": "" } })],
    ["wrong_signature", 403, () => post(form, { headers: { "x-twilio-signature": sign(publicWebhookUrl, form) } })],
    ["wrong_signature", 403, () => post(form, { headers: { "x-twilio-signature": sign(url + path, form) } })],
    ["wrong_signature", 403, () => post(form, { headers: { "x-twilio-signature": "nonsense" } })],
  ] as const)("%s: %i", async (reason, status, send) => {
    const before = await refusals(reason);
    const answer = await send();
    expect(answer.status).toBe(status);
    expect(answer.text.length).toBeLessThan(60);
    expect(await refusals(reason)).toBe(before + 1);
    expect(taken).toEqual([]);
  });

  test("too_large: 413 also when the length is not announced", async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { "content-type": urlencoded, "transfer-encoding": "chunked" };
      const req = request(`${url}${path}`, { method: "POST", headers }, (res) => resolve(res.resume().statusCode));
      req.on("error", reject);
      req.write("a=".padEnd(70_000, "x"));
    });
    expect(status).toBe(413);
  });

  test("a flood of refusals writes one line", async () => {
    for (let i = 0; i < 5; i++) await post(form, { headers: { "x-twilio-signature": "" } });
    expect(lines.filter((line) => line.includes("webhook_refused")).length).toBeLessThanOrEqual(1);
  });
});
