import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { status as grpcStatus } from "@grpc/grpc-js";
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import {
  BulkSendResponseSchema,
  DispatchService,
  ErrorDetailSchema,
  RpcStatusSchema,
  StatusService,
} from "@wahub/proto";
import { refusalOfConnectError, refusalOfDetail } from "./connect-answers.ts";
import { type Answer, type Door, hasLoneSurrogate, fine, type Request } from "./door.ts";
import { acceptedOf, messageOf } from "./order-forms.ts";

const trailerFlag = 0x80;
const frameHeadBytes = 5;

/** gRPC-Web over HTTP/1.1, by connect-node; bytes that it would not send go by hand. */
export function openGrpcWebDoor(gateway: string): Door {
  const transport = createGrpcWebTransport({ baseUrl: gateway, httpVersion: "1.1" });
  const dispatch = createClient(DispatchService, transport);
  const statusQuery = createClient(StatusService, transport);

  async function call(request: Request, headers: Record<string, string>): Promise<Answer | undefined> {
    const options = { headers };
    if ("order" in request) {
      if (hasLoneSurrogate(request.order)) return undefined;
      return acceptedOf(await dispatch.bulkSend(messageOf(request.order), options));
    }
    if ("json" in request) return undefined;
    if ("bytes" in request) return sendBytes(gateway, request.bytes, headers);
    if ("control" in request) await dispatch[request.control.method](request.control, options);
    else if ("getBatch" in request) await statusQuery.getBatch({ batchId: request.getBatch }, options);
    else if ("getMessage" in request) await statusQuery.getMessage({ messageId: request.getMessage }, options);
    else if ("listMessages" in request) await statusQuery.listMessages(request.listMessages, options);
    else for await (const _ of statusQuery.watchBatch({ batchId: request.watchBatch }, options)) break;
    return fine;
  }

  return {
    name: "gRPC-Web",
    send: (request, authorization) =>
      call(request, authorization === undefined ? {} : { authorization }).catch(refusalOfConnectError),
    close() {},
  };
}

async function sendBytes(gateway: string, bytes: Uint8Array, headers: Record<string, string>): Promise<Answer> {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUInt32BE(bytes.byteLength, 1);
  const response = await fetch(`${gateway}/whatsapphub.v1.DispatchService/BulkSend`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/grpc-web+proto" },
    body: Uint8Array.from(Buffer.concat([head, bytes])),
  });
  const answer = Buffer.from(await response.arrayBuffer());
  // An answer begins with its message, a refusal is a trailer and nothing else.
  const first = answer.subarray(frameHeadBytes, frameHeadBytes + answer.readUInt32BE(1));
  if (answer[0] !== trailerFlag) return acceptedOf(fromBinary(BulkSendResponseSchema, first));
  const lines = first.toString().trim().split("\r\n");
  const trailers = new Headers(lines.map((line) => line.split(": ", 2) as [string, string]));
  const rpcStatus = fromBinary(RpcStatusSchema, base64Decode(trailers.get("grpc-status-details-bin") ?? ""));
  const detail = rpcStatus.details.map((any) => anyUnpack(any, ErrorDetailSchema))[0];
  if (detail === undefined) throw new Error(`a refusal without a detail: ${lines.join(" ")}`);
  return refusalOfDetail(detail, decodeURIComponent(trailers.get("grpc-message") ?? ""), {
    code: grpcStatus[Number(trailers.get("grpc-status"))] ?? "none",
  });
}
