import { fromBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { HubError } from "@wahub/domain";
import { createGrpcClient, fromGrpcError } from "@wahub/platform";
import { BulkSendResponseSchema, DispatchService, StatusService } from "@wahub/proto";
import { type Answer, type Door, hasLoneSurrogate, fine, type Refusal, refusalOf } from "./door.ts";
import { acceptedOf, messageOf } from "./order-forms.ts";

/** More than the server takes, so that it is the server that refuses. */
export const maxMessageBytes = 64 * 1024 * 1024;

/** gRPC itself, spoken to the services behind the gateway. */
export function openGrpcDoor(urls: { readonly dispatchGrpc: string; readonly statusQueryGrpc: string }): Door {
  const dispatch = createGrpcClient(DispatchService, urls.dispatchGrpc, { maxMessageBytes });
  const statusQuery = createGrpcClient(StatusService, urls.statusQueryGrpc);
  const raw = new Client(urls.dispatchGrpc, credentials.createInsecure());

  function sendBytes(bytes: Uint8Array, authorization: string | undefined): Promise<Buffer> {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set("authorization", authorization);
    return new Promise((resolve, reject) => {
      raw.makeUnaryRequest(
        "/whatsapphub.v1.DispatchService/BulkSend",
        (value: Buffer) => value,
        (value: Buffer) => value,
        Buffer.from(bytes),
        metadata,
        (error, value) => (error === null ? resolve(value!) : reject(fromGrpcError(error))),
      );
    });
  }

  async function call(request: Parameters<Door["send"]>[0], authorization: string | undefined) {
    const options = { authorization };
    if ("order" in request) {
      if (hasLoneSurrogate(request.order)) return undefined;
      return acceptedOf(await dispatch.bulkSend(messageOf(request.order), options));
    }
    if ("json" in request) return undefined;
    if ("bytes" in request) {
      return acceptedOf(fromBinary(BulkSendResponseSchema, await sendBytes(request.bytes, authorization)));
    }
    if ("control" in request) await dispatch[request.control.method](request.control, options);
    else if ("getBatch" in request) await statusQuery.getBatch({ batchId: request.getBatch }, options);
    else if ("getMessage" in request) await statusQuery.getMessage({ messageId: request.getMessage }, options);
    else if ("listMessages" in request) await statusQuery.listMessages(request.listMessages, options);
    else for await (const _ of statusQuery.watchBatch({ batchId: request.watchBatch }, options)) break;
    return fine;
  }

  return {
    name: "gRPC",
    send: (request, authorization): Promise<Answer | undefined> =>
      call(request, authorization).catch(refusalOfGrpcError),
    close() {
      dispatch.close();
      statusQuery.close();
      raw.close();
    },
  };
}

/** What our client of gRPC threw. */
export function refusalOfGrpcError(error: unknown): Refusal {
  if (!(error instanceof HubError)) throw error;
  const code = status[(error.cause as ServiceError | undefined)?.code ?? status.OK];
  return refusalOf(error, { code: code ?? "none" });
}
