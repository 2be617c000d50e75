import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { maxValues } from "@wahub/platform";
import { type StartedGateway, startGateway } from "./testing/started-gateway.ts";
import { createStubBackend, goodKey } from "./testing/stub-backend.ts";

const backend = createStubBackend();
let gateway: StartedGateway;

beforeAll(async () => {
  await backend.start();
  // The first of several great requests is held until the last has been read: seconds each on a busy machine.
  gateway = await startGateway(backend.target(), { CALL_TIMEOUT_MS: 100_000 });
});
afterEach(() => backend.reset());
afterAll(async () => {
  await gateway.stop();
  await backend.stop();
});

const rpc = "/whatsapphub.v1.DispatchService/BulkSend";
const dense = { a: Array<null>(maxValues).fill(null) };
const json = JSON.stringify({ content: { text: { body: "hi" } }, recipients: [{ phone: "+1", metadata: dense }] });
const rest = JSON.stringify({ message: "hi", recipients: [{ phone: "+1", metadata: dense }] });
/** Recipients of nothing, two bytes each. */
const proto = Buffer.alloc(2 * maxValues + 2, Uint8Array.of(0x1a, 0));

function send(path: string, type: string, body: Buffer | string, headers: Record<string, string> = {}) {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { authorization: goodKey, "content-type": type, ...headers },
    body: typeof body === "string" ? body : Uint8Array.from(body),
  });
}
function framed(message: Buffer, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

describe("a request with more values than there may be", () => {
  const doors: [string, () => Promise<Response>][] = [
    ["Connect JSON", () => send(rpc, "application/json", json)],
    ["compressed JSON", () => send(rpc, "application/json", gzipSync(json), { "content-encoding": "gzip" })],
    ["Connect binary", () => send(rpc, "application/proto", proto)],
    ["gRPC-Web", () => send(rpc, "application/grpc-web+proto", framed(proto))],
    [
      "compressed gRPC-Web",
      () => send(rpc, "application/grpc-web+proto", framed(gzipSync(proto), 1), { "grpc-encoding": "gzip" }),
    ],
    ["REST", () => send("/bulk-send", "application/json", rest)],
    ["compressed REST", () => send("/bulk-send", "application/json", gzipSync(rest), { "content-encoding": "gzip" })],
  ];

  test.each(doors)("is refused in the same words: %s", async (name, call) => {
    backend.handlers.bulkSend = async () => {
      throw new Error("must not be called");
    };
    const answer = await call();
    expect(answer.status).toBe(name.includes("gRPC-Web") ? 200 : 400);
    // gRPC-Web writes its words as in a URL.
    expect(decodeURIComponent(await answer.text())).toContain(
      "the request has more than 750,000 values in all; send less at a time",
    );
  });
});

describe("great requests at once", () => {
  test("wait for each other's end, while small ones go through", async () => {
    const arrived: string[] = [];
    const change = { told: () => {} };
    const leave = Promise.withResolvers<void>();
    backend.handlers.bulkSend = async ({ idempotencyKey, content }) => {
      arrived.push(idempotencyKey);
      change.told();
      if (content?.kind.value?.body.length !== 2) await leave.promise;
      return {};
    };
    const arrivals = async (count: number) => {
      while (arrived.length < count) await new Promise<void>((resolve) => (change.told = resolve));
    };
    const order = (idempotencyKey: string, body: string) =>
      send(rpc, "application/json", JSON.stringify({ idempotencyKey, content: { text: { body } }, recipients: [{}] }));
    const great = "x".repeat(15 * 1024 * 1024);
    const answers = ["1", "2", "3", "4"].map((key) => order(key, great));
    await arrivals(3);
    expect((await order("small", "hi")).status).toBe(200);
    expect(arrived).toHaveLength(4);
    expect(arrived.at(-1)).toBe("small");
    leave.resolve();
    await arrivals(5);
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  }, 120_000);
});
