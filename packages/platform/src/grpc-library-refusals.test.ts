import { type ClientHttp2Session, connect } from "node:http2";
import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { fromGrpcError } from "./grpc-errors.ts";
import { startGrpc, type TestServer } from "./testing.ts";

// Requests that no gRPC client makes: grpc-js refuses them by itself, some as if they were faults of the server.

let server: TestServer;
let session: ClientHttp2Session;
beforeAll(async () => {
  server = await startGrpc({});
  session = connect(`http://${server.target}`);
});
afterAll(async () => {
  session.close();
  await server.server.stop();
});

/** The trailers that answer a BulkSend of these bytes. */
function call(body: Uint8Array, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/whatsapphub.v1.DispatchService/BulkSend",
    "content-type": "application/grpc",
    te: "trailers",
    authorization: "Bearer good",
    ...headers,
  });
  return new Promise((resolve, reject) => {
    stream.on("response", (answer) => "grpc-status" in answer && resolve(answer));
    stream.on("trailers", resolve);
    stream.on("error", reject);
    stream.resume();
    stream.end(body);
  });
}

function frame(flag: number, bytes: Uint8Array, length = bytes.byteLength): Buffer {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

describe("what grpc-js refuses by itself", () => {
  test("an unreadable probe is the caller's fault, too", async () => {
    const trailers = await call(frame(0, Uint8Array.of(0xff)), { ":path": "/grpc.health.v1.Health/Check" });
    expect(trailers).toMatchObject({ "grpc-status": "3", "grpc-message": encodeURI("the request is not readable") });
  });

  test.each<[string, Uint8Array, Record<string, string>, status, string]>([
    [
      "a message over the limit",
      frame(0, new Uint8Array(10), 16 * 1024 * 1024 + 1),
      {},
      status.INVALID_ARGUMENT,
      "the request is larger than 16 MiB; send less at a time",
    ],
    [
      "a message that cannot be decompressed",
      frame(1, Buffer.from("no gzip")),
      { "grpc-encoding": "gzip" },
      status.INVALID_ARGUMENT,
      "the request cannot be decompressed",
    ],
    [
      "a compression nobody knows",
      frame(1, Buffer.from("x")),
      { "grpc-encoding": "snappy" },
      status.UNIMPLEMENTED,
      "requests may be compressed by gzip or deflate only",
    ],
    [
      "a deadline that is none",
      frame(0, new Uint8Array(0)),
      { "grpc-timeout": "soon" },
      status.INVALID_ARGUMENT,
      "the grpc-timeout is not readable",
    ],
    ["no message", new Uint8Array(0), {}, status.UNIMPLEMENTED, "the call has no request"],
    [
      "two messages",
      Buffer.concat([frame(0, new Uint8Array(0)), frame(0, new Uint8Array(0))]),
      {},
      status.UNIMPLEMENTED,
      "the call has more than one request",
    ],
  ])("%s is the caller's fault, with a detail, and reported as such", async (_what, body, headers, code, message) => {
    const requestId = `request-${message.length}-${code}`;
    const trailers = await call(body, { ...headers, "x-request-id": requestId });
    expect(trailers).toMatchObject({ "grpc-status": String(code), "x-request-id": requestId });
    const details = decodeURI(String(trailers["grpc-message"]));
    const metadata = new Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from(String(trailers["grpc-status-details-bin"]), "base64"));
    expect(fromGrpcError(Object.assign(new Error(details), { code, details, metadata }))).toMatchObject({
      kind: "invalid",
      message,
    });
    expect(server.lines).toContainEqual(
      expect.objectContaining({ event: "grpc_call", code: status[code], requestId, reason: message }),
    );
  });
});
