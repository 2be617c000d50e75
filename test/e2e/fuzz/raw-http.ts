import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { bytesOf, protoJsonOf, restJsonOf } from "../doors/order-forms.ts";
import { mutateBytes } from "./mutate.ts";
import { judgeHttp, type Outcome } from "./outcome.ts";
import type { Random } from "./random.ts";
import { anyAuthorization, anyOrder } from "./requests.ts";

/** Where raw requests go and what they are made for. */
export interface RawTarget {
  readonly url: URL;
  readonly key: string;
  readonly path: string;
  readonly contentType: string;
}

/** Half a request leaves the server waiting; longer than this nobody waits for an answer. */
const patienceMs = 10_000;

const otherTypes = [
  "application/json",
  "application/json; charset=latin1",
  "application/proto",
  "application/connect+json",
  "application/connect+proto",
  "application/grpc",
  "application/grpc-web",
  "application/grpc-web+json",
  "application/grpc-web-text",
  "application/x-www-form-urlencoded",
  "text/html",
  "multipart/form-data; boundary=x",
  "json",
  "",
  "\u00e9/\u00e9",
];
const oddHeaders = [
  "connect-timeout-ms: 9999999999",
  "connect-timeout-ms: -1",
  "connect-timeout-ms: soon",
  "connect-protocol-version: 9",
  "grpc-timeout: 1e3H",
  "grpc-timeout: 99999999H",
  "grpc-encoding: gzip",
  "grpc-encoding: x",
  "connect-content-encoding: gzip",
  "content-encoding: gzip",
  "content-encoding: br",
  "content-encoding: deflate",
  "content-encoding: x",
  "accept-encoding: gzip",
  "expect: 100-continue",
  "expect: 200-ok",
  "connection: upgrade\r\nupgrade: h2c",
  "connection: close",
  "transfer-encoding: chunked",
  "transfer-encoding: gzip, chunked",
  "content-length: 5",
  "content-length: -5",
  "content-length: 99999999999999999999",
  "idempotency-key: ",
  `idempotency-key: ${"k".repeat(300)}`,
  "idempotency-key: k\u00e9y",
  "x-request-id: \u0001",
  `x-request-id: ${"r".repeat(500)}`,
  `x-long: ${"l".repeat(20_000)}`,
  "host: a b",
  "host: ",
  "bad header",
  ": nameless",
  "x\u0000: y",
  "authorization: Bearer second",
];

/** A request as bytes on a connection of its own, in which anything may be broken. */
export function sendRawHttp(random: Random, target: RawTarget): Promise<Outcome> {
  const bytes = anyRequest(random, target);
  // Some in pieces, some with the end missing.
  const cut = random.chance(0.3) ? random.below(bytes.byteLength + 1) : bytes.byteLength;
  const pieces = random.chance(0.3)
    ? [bytes.subarray(0, Math.floor(cut / 2)), bytes.subarray(Math.floor(cut / 2), cut)]
    : [bytes.subarray(0, cut)];
  const hangUp = random.chance(0.1);
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect({ host: target.url.hostname, port: Number(target.url.port), allowHalfOpen: true });
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ ended: "no answer", bad: `no answer within ${patienceMs} ms` });
    }, patienceMs);
    socket.on("data", (data) => received.push(data));
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(judgeHttp(Buffer.concat(received).toString("latin1")));
    });
    for (const piece of pieces) socket.write(piece);
    if (hangUp) socket.destroySoon();
    else socket.end();
  });
}

function anyRequest(random: Random, { key, path, contentType }: RawTarget): Buffer {
  const aim = anyPath(random, path);
  const method = random.chance(aim.includes("?") ? 0.2 : 0.85)
    ? "POST"
    : random.pick(["GET", "GET", "GET", "PUT", "HEAD", "OPTIONS", "CONNECT", "BREW", "po st"]);
  const body = anyBody(random);
  const authorization = anyAuthorization(random, key);
  const type = random.chance(0.7) ? contentType : random.pick(otherTypes);
  const headers = [
    ...(random.chance(0.97) ? ["host: localhost"] : []),
    ...(authorization === undefined ? [] : [`authorization: ${authorization}`]),
    ...(random.chance(0.95) ? [`content-type: ${type}`] : []),
    ...Array.from({ length: random.below(3) }, () => random.pick(oddHeaders)),
  ];
  const chunked = random.chance(0.2);
  if (chunked) headers.push("transfer-encoding: chunked");
  else if (random.chance(0.9)) headers.push(`content-length: ${body.byteLength + (random.chance(0.1) ? 3 : 0)}`);
  const version = random.pick(["1.1", "1.1", "1.1", "1.1", "1.1", "1.1", "1.0", "2.0", "9"]);
  const head = `${method} ${aim} HTTP/${version}\r\n${headers.join("\r\n")}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), chunked ? inChunks(random, body) : body]);
}

function anyPath(random: Random, path: string): string {
  if (random.chance(0.8)) return path;
  return random.pick([
    "/",
    "*",
    "",
    `${path}/`,
    `/${path}`,
    `${path}?encoding=json&message=%7B`,
    anyQuery(random),
    anyQuery(random),
    anyQuery(random),
    "/whatsapphub.v1.StatusService/WatchBatch",
    "/whatsapphub.v1.StatusService/Nothing",
    "http://other.example/bulk-send",
    "/%ff%fe%00",
    "/..%2f..%2fetc/passwd",
    `/${"x".repeat(10_000)}`,
  ]);
}

/** A question that is asked by GET, or almost. */
function anyQuery(random: Random): string {
  const method = random.pick(["GetBatch", "GetMessage", "ListMessages"]);
  const messages = ["%7B%22batchId%22%3A7%7D", "%7B%7D", "%%%", "%ff", "eyJiYXRjaElkIjoiIn0", "CgE", "***", "", "%00"];
  const query = [
    `message=${random.pick(messages)}`,
    ...(random.chance(0.9) ? [`encoding=${random.pick(["json", "proto", "proto", "xml", ""])}`] : []),
    ...(random.chance(0.5) ? [`base64=${random.pick(["1", "1", "0", "x"])}`] : []),
    ...(random.chance(0.2) ? [`compression=${random.pick(["gzip", "br", "identity", "x"])}`] : []),
    ...(random.chance(0.5) ? [`connect=${random.pick(["v1", "v9"])}`] : []),
  ];
  return `/whatsapphub.v1.StatusService/${method}?${query.join("&")}`;
}

function anyBody(random: Random): Buffer {
  const order = anyOrder(random);
  const forms = [
    () => Buffer.from(protoJsonOf(order) ?? "{}"),
    () => Buffer.from(restJsonOf(order) ?? "{}"),
    () => Buffer.from(bytesOf({ text: "Hello", recipients: [{ phone: "+447911000000" }] })),
    () => Buffer.alloc(0),
    () => random.bytes(random.below(200)),
  ];
  const bytes = mutateBytes(random, random.pick(forms)());
  if (random.chance(0.1)) return gzipSync(bytes);
  return random.chance(0.4) ? framed(random, bytes) : bytes;
}

/** As gRPC-Web and streams frame a message, well or badly. */
function framed(random: Random, bytes: Buffer): Buffer {
  const head = Buffer.from([random.chance(0.8) ? 0 : random.below(256), 0, 0, 0, 0]);
  head.writeUInt32BE(random.chance(0.8) ? bytes.byteLength : random.pick([0, 1, 2 ** 24, 2 ** 31, 2 ** 32 - 1]), 1);
  return Buffer.concat([head, bytes, ...(random.chance(0.1) ? [head, bytes] : [])]);
}

function inChunks(random: Random, body: Buffer): Buffer {
  const size = random.chance(0.8)
    ? body.byteLength.toString(16)
    : random.pick(["", "x", "-1", "ffffffffffffffff", "0"]);
  const end = random.chance(0.9) ? "\r\n0\r\n\r\n" : random.pick(["", "\r\n", "0\r\n", "\r\n0\r\nbad trailer\r\n\r\n"]);
  return Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from(end)]);
}
