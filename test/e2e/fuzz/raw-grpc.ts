import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { gzipSync } from "node:zlib";
import { bytesOf } from "../doors/order-forms.ts";
import { mutateBytes } from "./mutate.ts";
import { judgeGrpc, type Outcome } from "./outcome.ts";
import type { Random } from "./random.ts";
import { anyAuthorization } from "./requests.ts";

const patienceMs = 10_000;

const paths = [
  "/whatsapphub.v1.DispatchService/BulkSendStream",
  "/whatsapphub.v1.DispatchService/BulkSendStream",
  "/whatsapphub.v1.StatusService/GetBatch",
  "/whatsapphub.v1.DispatchService/Nothing",
  "/grpc.health.v1.Health/Check",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/",
  "*",
  "/%ff",
  `/${"x".repeat(5000)}`,
];
const oddHeaders: readonly (readonly [string, string])[] = [
  ["grpc-timeout", "soon"],
  ["grpc-timeout", ""],
  ["grpc-timeout", "1e9H"],
  ["grpc-timeout", "100S"],
  ["grpc-encoding", "gzip"],
  ["grpc-encoding", "deflate"],
  ["grpc-encoding", "x"],
  ["grpc-accept-encoding", "x"],
  ["x-request-id", "r".repeat(500)],
  ["something-bin", "no base64!"],
  ["grpc-status-details-bin", "AAAA"],
  ["x-long", "l".repeat(7000)],
];

export interface RawGrpc {
  /** A call in which anything may be broken, from its headers to its frames. */
  send(random: Random): Promise<Outcome>;
  close(): void;
}

export function openRawGrpc(target: string, key: string): RawGrpc {
  let session: ClientHttp2Session | undefined;
  const current = (): ClientHttp2Session => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(`http://${target}`);
      session.on("error", () => {});
    }
    return session;
  };
  return {
    send: (random) => (random.chance(0.15) ? sendGarbage(random, target) : call(random, current(), key)),
    close: () => session?.close(),
  };
}

function call(random: Random, session: ClientHttp2Session, key: string): Promise<Outcome> {
  const authorization = anyAuthorization(random, key);
  const headers: Record<string, string> = {
    ":method": random.chance(0.95) ? "POST" : random.pick(["GET", "PUT", "BREW"]),
    ":path": random.chance(0.75) ? "/whatsapphub.v1.DispatchService/BulkSend" : random.pick(paths),
    "content-type": random.chance(0.85)
      ? "application/grpc"
      : random.pick(["application/grpc+json", "application/json", "application/grpc-web", "text/html", ""]),
    te: "trailers",
    ...(authorization === undefined ? {} : { authorization }),
    ...Object.fromEntries(Array.from({ length: random.below(3) }, () => random.pick(oddHeaders))),
  };
  return new Promise((resolve) => {
    const stream = session.request(headers);
    let httpStatus: number | undefined;
    let grpcStatus: string | undefined;
    let message = "";
    const note = (answer: Readonly<Record<string, unknown>>): void => {
      httpStatus ??= answer[":status"] as number | undefined;
      grpcStatus ??= answer["grpc-status"] as string | undefined;
      message ||= (answer["grpc-message"] as string | undefined) ?? "";
    };
    const timer = setTimeout(() => {
      stream.close();
      resolve({ ended: "no answer", bad: `no answer within ${patienceMs} ms: ${JSON.stringify(headers)}` });
    }, patienceMs);
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("error", () => {});
    stream.on("close", () => {
      clearTimeout(timer);
      resolve(judgeGrpc({ httpStatus, grpcStatus, resetCode: stream.rstCode ?? 0, message }));
    });
    stream.resume();
    stream.end(anyFrames(random));
  });
}

function anyFrames(random: Random): Buffer {
  const bytes = mutateBytes(random, bytesOf({ text: "Hello", recipients: [{ phone: "+447911000000" }] }));
  const compressed = random.chance(0.2);
  const body = compressed && random.chance(0.5) ? gzipSync(bytes) : bytes;
  const head = Buffer.from([compressed ? 1 : random.chance(0.9) ? 0 : random.below(256), 0, 0, 0, 0]);
  head.writeUInt32BE(random.chance(0.85) ? body.byteLength : random.pick([0, 1, 2 ** 24 + 1, 2 ** 32 - 1]), 1);
  const frame = Buffer.concat([head, body]);
  if (random.chance(0.05)) return Buffer.concat([frame, frame]);
  return random.chance(0.05) ? random.bytes(random.below(50)) : frame;
}

/** Bytes that are no HTTP/2, or only begin like it. */
function sendGarbage(random: Random, target: string): Promise<Outcome> {
  const [host, port] = target.split(":");
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const garbage = random.bytes(random.below(300));
  return new Promise((resolve) => {
    const socket = connectTcp(Number(port), host);
    const timer = setTimeout(() => {
      socket.destroy();
      resolve({ ended: "no answer", bad: `a connection that sent garbage stayed open for ${patienceMs} ms` });
    }, patienceMs);
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve({ ended: "garbage" });
    });
    socket.resume();
    socket.end(random.chance(0.5) ? Buffer.concat([preface, garbage]) : garbage);
  });
}
