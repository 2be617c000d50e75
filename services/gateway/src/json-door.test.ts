import { gzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type ErrorKindName, HubError } from "@wahub/domain";
import { ErrorDetailSchema, ErrorKind } from "@wahub/proto";
import { type StartedGateway, startGateway } from "./testing/started-gateway.ts";
import { createStubBackend, goodKey } from "./testing/stub-backend.ts";

const backend = createStubBackend();
const printed = jest.spyOn(console, "error");
let gateway: StartedGateway;

beforeAll(async () => {
  await backend.start();
  gateway = await startGateway(backend.target());
});
afterEach(() => backend.reset());
afterAll(async () => {
  await gateway.stop();
  await backend.stop();
  expect(printed).not.toHaveBeenCalled();
});

const bulkSend = "/whatsapphub.v1.DispatchService/BulkSend";
const getBatch = "/whatsapphub.v1.StatusService/GetBatch";
const json = { authorization: goodKey, "content-type": "application/json" };
const order = { content: { text: { body: "hi" } }, recipients: [{ phone: "+14155550100" }] };

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly details: readonly { readonly type: string; readonly value: string }[];
}

describe("JSON over plain HTTP", () => {
  test("a call needs nothing but a POST", async () => {
    backend.handlers.bulkSend = async (request) => ({
      batchId: "b-1",
      acceptedCount: request.recipients.length,
      messageIds: [JSON.stringify(request.metadata)],
    });
    const answer = await post(bulkSend, JSON.stringify({ ...order, metadata: { crm: { id: 7 } } }));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ batchId: "b-1", acceptedCount: 1, messageIds: ['{"crm":{"id":7}}'] });
    expect(answer.headers.get("x-powered-by")).toBeNull();
    expect(answer.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("a call that only reads may be a GET, with the request in the query", async () => {
    backend.handlers.getBatch = async ({ batchId }) => ({ batch: { id: batchId } });
    const id = "0198c2f0-0000-7000-8000-000000000001";
    const query = new URLSearchParams({ encoding: "json", message: JSON.stringify({ batchId: id }) }).toString();
    const answer = await fetch(`${gateway.url}${getBatch}?${query}`, { headers: { authorization: goodKey } });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ batch: { id } });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect((await fetch(`${gateway.url}${getBatch}?${query}`)).status).toBe(401);
    const torn = `${gateway.url}${getBatch}?encoding=proto&base64=1&message=***`;
    expect((await fetch(torn)).status).toBe(401);
    const unreadable = await fetch(torn, { headers: { authorization: goodKey } });
    expect(unreadable.status).toBe(400);
    expect(await unreadable.json()).toMatchObject({ message: "the message in the query is not base64" });
    const bare = await fetch(gateway.url + getBatch, { headers: { authorization: goodKey } });
    expect(bare.status).toBe(415);
    expect(((await bare.json()) as Refusal).message).toContain("?encoding=json&message=");
  });

  test("compressed requests are read", async () => {
    backend.handlers.bulkSend = async () => ({ batchId: "b-1" });
    const answer = await post(bulkSend, gzipSync(JSON.stringify(order)), { ...json, "content-encoding": "gzip" });
    expect(answer.status).toBe(200);
  });

  const kinds: readonly (readonly [ErrorKindName, string, number])[] = [
    ["invalid", "invalid_argument", 400],
    ["unauthenticated", "unauthenticated", 401],
    ["forbidden", "permission_denied", 403],
    ["not_found", "not_found", 404],
    ["conflict", "already_exists", 409],
    // Connect has statuses of its own for its codes; this one differs from REST, which says 409.
    ["not_now", "failed_precondition", 400],
    ["limited", "resource_exhausted", 429],
    ["unavailable", "unavailable", 503],
    ["internal", "internal", 500],
  ];
  test.each(kinds)("%s from behind is %s with status %d", async (kind, code, status) => {
    backend.handlers.bulkSend = async () => {
      throw new HubError(kind, "because");
    };
    const answer = await post(bulkSend, JSON.stringify(order));
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code, message: "because" });
  });

  const unreadable: readonly (readonly [string, string, string])[] = [
    ["an unknown field", '{"recipientz":[]}', "recipientz: there is no such field"],
    ["an unknown field inside", '{"recipients":[{"fone":"1"}]}', "recipients[0].fone: there is no such field"],
    ["a wrong type", '{"recipients":[{"phone":14155550100}]}', "recipients[0].phone: must be a text"],
    ["a value where a list belongs", '{"recipients":"+14155550100"}', "recipients: must be a list"],
    ["a text where a message belongs", '{"content":"secret text"}', "content: must be an object"],
    ["a null in a list", '{"recipients":[null]}', "recipients[0]: must not be null"],
    [
      "half a surrogate pair",
      '{"content":{"text":{"body":"\\ud800"}}}',
      "content.text.body: text contains a lone surrogate",
    ],
    ["half a pair in metadata", '{"metadata":{"a":"\\ud800"}}', "metadata: contains a lone surrogate"],
    [
      "no number at all",
      '{"recipients":[{"phone":"1","metadata":{"n":1e999}}]}',
      "recipients[0].metadata: contains a number that is not finite",
    ],
    [
      "endless nesting",
      `{"metadata":${'{"a":'.repeat(60)}1${"}".repeat(60)}}`,
      "metadata: is nested more than 32 levels deep",
    ],
    [
      "endless nesting that cannot be read",
      `{"metadata":${'{"a":'.repeat(9e4)}1${"}".repeat(9e4)}}`,
      "metadata: is nested more than 32 levels deep",
    ],
    ["something else than an object", "[]", "body: must be an object"],
    ["a text for a choice", '{"recipients":[],"allOrNothing":"yes"}', "all_or_nothing: must be true or false"],
    ["many faults", '{"recipients":[{"phone":1},{"fone":""}]}', "recipients[0].phone: must be a text (and 1 more)"],
    [
      "a field under both its names",
      '{"idempotencyKey":"a","idempotency_key":"b"}',
      "BulkSendRequest.idempotency_key: set multiple times",
    ],
    ["broken JSON", '{"recipients":["+14155550100"', "the request is not valid JSON"],
    ["no JSON at all", "hello", "the request is not valid JSON"],
    ["nothing", "", "the request is not valid JSON"],
  ];
  test.each(unreadable)("%s is the caller's fault and is named without quoting it", async (_name, body, message) => {
    const answer = await post(bulkSend, body);
    expect(answer.status).toBe(400);
    const refusal = (await answer.json()) as Refusal;
    expect(refusal).toMatchObject({ code: "invalid_argument", message });
    const detail = detailOf(refusal);
    expect(detail.kind).toBe(ErrorKind.INVALID);
    expect(detail.requestId).toBe(answer.headers.get("x-request-id"));
  });

  test("faults are named with their places inside framed messages and streams, too", async () => {
    const framed = (text: string): Uint8Array<ArrayBuffer> => {
      const head = Buffer.from([0, 0, 0, 0, 0]);
      head.writeUInt32BE(Buffer.byteLength(text), 1);
      return Uint8Array.from(Buffer.concat([head, Buffer.from(text)]));
    };
    const web = { ...json, "content-type": "application/grpc-web+json" };
    const message = await post(bulkSend, framed('{"recipients":[{"phone":1}]}'), web);
    expect(await message.text()).toContain(
      `grpc-message: ${encodeURIComponent("recipients[0].phone: must be a text")}\r\n`,
    );
    const stream = { ...json, "content-type": "application/connect+json" };
    const watch = await post("/whatsapphub.v1.StatusService/WatchBatch", framed('{"batchId":7}'), stream);
    expect(await watch.text()).toContain('"message":"batch_id: must be a text"');
  });

  test("in a compressed request a fault is named by its type, without quoting it", async () => {
    const body = gzipSync('{"recipients":[{"phone":14155550100}]}');
    const answer = await post(bulkSend, body, { ...json, "content-encoding": "gzip" });
    expect(await answer.json()).toMatchObject({
      code: "invalid_argument",
      message: "Recipient.phone: expected string",
    });
  });

  test("a compressed message that does not say how is the caller's fault", async () => {
    const headers = { ...json, "content-type": "application/grpc-web+proto" };
    const answer = await post(bulkSend, Uint8Array.from([1, 0, 0, 0, 1, 0]), headers);
    expect(await answer.text()).toContain("grpc-status: 3\r\n");
  });

  test("a compression that is not supported is the caller's fault", async () => {
    const answer = await post(bulkSend, "x", { ...json, "content-encoding": "compress" });
    expect(answer.status).toBe(415);
    expect(await answer.json()).toMatchObject({ code: "unimplemented" });
  });

  test("unreadable protobuf is the caller's fault", async () => {
    const headers = { ...json, "content-type": "application/proto" };
    const answer = await post(bulkSend, Uint8Array.from([0xff, 0xff, 0xff]), headers);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: "invalid_argument",
      message: "the request is not a readable whatsapphub.v1.BulkSendRequest",
    });
  });

  test("unreadable gRPC-Web is the caller's fault", async () => {
    const headers = { ...json, "content-type": "application/grpc-web+proto" };
    const answer = await post(bulkSend, Uint8Array.from([0, 0, 0, 0, 3, 0xff, 0xff, 0xff]), headers);
    expect(answer.status).toBe(200);
    const trailer = await answer.text();
    expect(trailer).toContain("grpc-status: 3\r\n");
    expect(trailer).toContain("grpc-status-details-bin: ");
  });

  test("gRPC-Web answers also where its words for the fault cannot be written", async () => {
    const body = Buffer.from('{"k\\ud800":1}');
    const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]);
    const answer = await post(bulkSend, Uint8Array.from(envelope), {
      ...json,
      "content-type": "application/grpc-web+json",
    });
    expect(await answer.text()).toContain("grpc-status: 3\r\n");
  });

  test("without a key the answer is 401 and says what is missing", async () => {
    const answer = await post(bulkSend, "this is not even read", { "content-type": "application/json" });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(await answer.json()).toMatchObject({ code: "unauthenticated" });
  });

  test("too large is too large, whether the client says so before or not", async () => {
    const large = JSON.stringify({ ...order, idempotencyKey: "k".repeat(17 * 1024 * 1024) });
    const chunks = new Blob([large]).stream();
    const answers = await Promise.all([
      post(bulkSend, large),
      fetch(gateway.url + bulkSend, { method: "POST", headers: json, body: chunks, duplex: "half" }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: "invalid_argument",
        message: "the request is larger than 16 MiB; send less at a time",
      });
    }
  });

  test("a wrong method and a wrong media type are named", async () => {
    const get = await fetch(gateway.url + bulkSend, { headers: json });
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await get.json()).toMatchObject({ message: "this RPC takes POST" });
    const put = await fetch(gateway.url + getBatch, { method: "PUT", headers: json, body: "{}" });
    expect([put.status, put.headers.get("allow")]).toEqual([405, "GET, POST"]);
    const form = await post(bulkSend, "a=b", { ...json, "content-type": "application/x-www-form-urlencoded" });
    expect(form.status).toBe(415);
    const grpc = await post(bulkSend, "", { ...json, "content-type": "application/grpc+proto" });
    expect(grpc.status).toBe(415);
    expect(((await grpc.json()) as Refusal).message).toContain("content-type must be");
  });

  test("what the log says of a refusal quotes nothing of the request", async () => {
    await post(bulkSend, '{"content":"secret text","recipients":[{"phone":14155550199}]}');
    await post(bulkSend, '{"recipients":[{"phone":14155550199}]} secret text');
    expect(gateway.log()).toContain('"code":"INVALID_ARGUMENT"');
    expect(gateway.log()).not.toMatch(/secret|14155550199|good-key/);
  });
});

function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = json,
): Promise<Response> {
  return fetch(gateway.url + path, { method: "POST", headers, body });
}

function detailOf(refusal: Refusal) {
  const [detail] = refusal.details;
  expect(detail?.type).toBe("whatsapphub.v1.ErrorDetail");
  return fromBinary(ErrorDetailSchema, base64Decode(detail?.value ?? ""));
}
