import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type ErrorKindName, HubError, invalid } from "@wahub/domain";
import type { BulkSendRequest } from "@wahub/proto";
import { type StartedGateway, startGateway } from "./testing/started-gateway.ts";
import { createStubBackend, goodKey } from "./testing/stub-backend.ts";

const backend = createStubBackend();
let gateway: StartedGateway;

beforeAll(async () => {
  await backend.start();
  gateway = await startGateway(backend.target());
});
afterEach(() => backend.reset());
afterAll(async () => {
  await gateway.stop();
  await backend.stop();
});

const json = { authorization: goodKey, "content-type": "application/json" };
const order = { recipients: ["+14155550100"], message: "hi" };

describe("POST /bulk-send", () => {
  test("answers with the ids of the accepted inputs in their order, a duplicate's twice", async () => {
    let seen: BulkSendRequest | undefined;
    backend.handlers.bulkSend = async (request) => {
      seen = request;
      return {
        batchId: "b-1",
        messageIds: ["m-1", "", "m-2", "m-1"],
        rejected: [{ index: 1, reason: "not a phone number" }],
        rejectedCount: 1,
        acceptedCount: 2,
      };
    };
    const answer = await post(
      {
        phone_numbers: ["+14155550100", "12", { phone: "+14155550101", metadata: { name: "Ann" } }, "+1 415 555 0100"],
        message: "hi",
        metadata: { campaign: 7 },
        all_or_nothing: false,
      },
      { ...json, "idempotency-key": "spring-sale", "x-request-id": "my-request-1" },
    );
    expect([answer.status, answer.headers.get("x-request-id")]).toEqual([200, "my-request-1"]);
    expect(await answer.json()).toEqual({
      queued: 2,
      job_ids: ["m-1", "m-2", "m-1"],
      rejected: [{ index: 1, reason: "not a phone number" }],
      rejected_count: 1,
      batch_id: "b-1",
    });
    expect(seen).toMatchObject({
      idempotencyKey: "spring-sale",
      content: { kind: { case: "text", value: { body: "hi" } } },
      recipients: [{ phone: "+14155550100" }, { phone: "12" }, { metadata: { name: "Ann" } }, {}],
      metadata: { campaign: 7 },
      allOrNothing: false,
    });
  });

  test("compressed bodies are read", async () => {
    backend.handlers.bulkSend = async () => ({ batchId: "b-1" });
    const answer = await send(gzipSync(JSON.stringify(order)), { ...json, "content-encoding": "gzip" });
    expect(answer.status).toBe(200);
  });

  const kinds: readonly (readonly [ErrorKindName, number])[] = [
    ["invalid", 400],
    ["unauthenticated", 401],
    ["forbidden", 403],
    ["not_found", 404],
    ["conflict", 409],
    ["not_now", 409],
    ["limited", 429],
    ["unavailable", 503],
    ["internal", 500],
  ];
  test.each(kinds)("%s from behind is %d", async (kind, status) => {
    backend.handlers.bulkSend = async () => {
      throw new HubError(kind, "because", kind === "limited" ? { retryAfterMs: 2_100 } : {});
    };
    const answer = await post(order);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({
      error: { kind, message: "because", request_id: answer.headers.get("x-request-id"), violations: [] },
    });
    expect(answer.headers.get("retry-after")).toBe(kind === "limited" ? "3" : null);
    expect(answer.headers.get("www-authenticate")).toBe(kind === "unauthenticated" ? "Bearer" : null);
  });

  test("faults found behind are named as the caller named the fields", async () => {
    backend.handlers.bulkSend = async () => {
      throw invalid([
        { field: "recipients[0].phone", index: 0, reason: "too short" },
        { field: "recipients[1].phone", index: 1, reason: "too long" },
        { field: "content.text.body", reason: "text is empty" },
      ]);
    };
    const answer = await post({ phone_numbers: ["1", { phone: "2" }], message: "" });
    expect(await answer.json()).toMatchObject({
      error: {
        message: "phone_numbers[0]: too short (and 2 more)",
        violations: [
          { field: "phone_numbers[0]", index: 0, reason: "too short" },
          { field: "phone_numbers[1].phone", index: 1, reason: "too long" },
          { field: "message", reason: "text is empty" },
        ],
      },
    });
  });

  test("faults in the shape are all reported at once, and nothing is passed on", async () => {
    backend.handlers.bulkSend = async () => {
      throw new Error("must not be called");
    };
    const answer = await post({ recipients: ["+14155550100", 7], mesage: "hi", all_or_nothing: "yes" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: {
        kind: "invalid",
        violations: [
          { field: "mesage", reason: "there is no such field" },
          { field: "message", reason: "must be a text" },
          { field: "recipients[1]", index: 1 },
          { field: "all_or_nothing", reason: "must be true or false" },
        ],
      },
    });
  });

  const refused: readonly (readonly [string, number, string, Record<string, string>])[] = [
    ["broken JSON", 400, '{"recipients":["+14155550100"', json],
    ["no object", 400, '"hi"', json],
    ["no body", 400, "", json],
    ["another media type", 415, "a=b", { ...json, "content-type": "application/x-www-form-urlencoded" }],
    ["another character set", 415, "{}", { ...json, "content-type": "application/json; charset=latin1" }],
    ["another encoding", 415, "{}", { ...json, "content-encoding": "compress" }],
    ["a wrong encoding", 400, "{}", { ...json, "content-encoding": "gzip" }],
    ["no key", 401, "not even read", { "content-type": "application/json" }],
    ["a key in another form", 401, "not even read", { ...json, authorization: "Basic Zm9v" }],
    ["an empty idempotency key", 400, JSON.stringify(order), { ...json, "idempotency-key": "" }],
    ["a body over 16 MiB", 413, `"${"x".repeat(17 * 1024 * 1024)}"`, json],
  ];
  test.each(refused)("%s is %d, without quoting the request", async (_name, status, body, headers) => {
    const answer = await send(body, headers);
    expect(answer.status).toBe(status);
    const { error } = (await answer.json()) as { error: { message: string; request_id: string } };
    expect(error.request_id).toBe(answer.headers.get("x-request-id"));
    expect(error.message).not.toMatch(/4155550100|not even/);
    if (status === 401) expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  });

  test("other methods and paths are named as such, in JSON", async () => {
    const get = await fetch(`${gateway.url}/bulk-send`, { headers: json });
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await get.json()).toMatchObject({ error: { kind: "invalid", message: "this path takes POST" } });
    for (const path of [
      "/",
      "/BULK-SEND",
      "/bulk-send/x",
      "/whatsapphub.v1.DispatchService/Nothing",
      "/%",
      "//bulk-send",
    ]) {
      const answer = await fetch(gateway.url + path, { method: "POST", headers: json, body: "{}" });
      expect([path, answer.status]).toEqual([path, 404]);
      expect(await answer.json()).toMatchObject({ error: { kind: "not_found" } });
    }
  });

  test("a caller that hangs up cancels the call behind", async () => {
    const started = Promise.withResolvers<void>();
    const canceled = Promise.withResolvers<void>();
    backend.handlers.bulkSend = (_request, context) =>
      new Promise(() => {
        context.signal.addEventListener("abort", () => canceled.resolve());
        started.resolve();
      });
    const leave = new AbortController();
    const call = fetch(`${gateway.url}/bulk-send`, {
      method: "POST",
      headers: json,
      body: JSON.stringify(order),
      signal: leave.signal,
    });
    await started.promise;
    leave.abort();
    await expect(call).rejects.toThrow();
    await canceled.promise;
  });

  test("a senseless Host header is the caller's fault", async () => {
    const status = await new Promise((resolve, reject) => {
      const path = "/whatsapphub.v1.DispatchService/BulkSend";
      httpRequest(gateway.url + path, { method: "POST", headers: { ...json, host: "a b" } }, (res) => {
        res.resume();
        resolve(res.statusCode);
      })
        .once("error", reject)
        .end("{}");
    });
    expect(status).toBe(400);
  });
});

function post(body: unknown, headers: Record<string, string> = json): Promise<Response> {
  return send(JSON.stringify(body), headers);
}

function send(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<Response> {
  return fetch(`${gateway.url}/bulk-send`, { method: "POST", headers, body });
}
