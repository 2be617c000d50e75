import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import {
  BulkSendResponseSchema,
  DispatchService,
  GetBatchRequestSchema,
  GetMessageRequestSchema,
  ListMessagesRequestSchema,
  StatusService,
} from "@wahub/proto";
import { refusalOfConnectError, refusalOfConnectResponse } from "./connect-answers.ts";
import { type Answer, type Door, hasLoneSurrogate, fine, type Request } from "./door.ts";
import { acceptedOf, bytesOf, protoJsonOf } from "./order-forms.ts";

type Body = Uint8Array | string | undefined;

/**
 * Connect over HTTP/1.1. Unary calls are plain POSTs, made without a client so that everything can be said; streams go
 * through connect-node.
 */
export function openConnectDoor(gateway: string, format: "binary" | "JSON"): Door {
  const binary = format === "binary";
  const contentType = binary ? "application/proto" : "application/json";
  const status = createClient(
    StatusService,
    createConnectTransport({ baseUrl: gateway, httpVersion: "1.1", useBinaryFormat: binary }),
  );

  function bulkSendBody(request: Request): Body {
    if ("order" in request) {
      if (!binary) return protoJsonOf(request.order);
      return hasLoneSurrogate(request.order) ? undefined : bytesOf(request.order);
    }
    if ("bytes" in request) return binary ? request.bytes : undefined;
    return "json" in request && !binary ? request.json : undefined;
  }

  function call<D extends DescMessage>(
    method: string,
    schema: D,
    init: MessageInitShape<D>,
    headers: Record<string, string>,
  ) {
    const message = create(schema, init);
    const body = binary ? toBinary(schema, message) : toJsonString(schema, message);
    return post(`whatsapphub.v1.${method}`, body, headers);
  }

  async function post(
    path: string,
    body: Exclude<Body, undefined>,
    headers: Record<string, string>,
  ): Promise<Response> {
    const bytes = typeof body === "string" ? body : Uint8Array.from(body);
    return fetch(`${gateway}/${path}`, { method: "POST", headers, body: bytes });
  }

  async function watch(batchId: string, headers: Record<string, string>): Promise<Answer> {
    try {
      for await (const _ of status.watchBatch({ batchId }, { headers })) break;
      return fine;
    } catch (error) {
      return refusalOfConnectError(error);
    }
  }

  return {
    name: `Connect ${format}`,
    async send(request, authorization) {
      const auth: Record<string, string> = authorization === undefined ? {} : { authorization };
      const headers = { ...auth, "content-type": contentType };
      if ("watchBatch" in request) return watch(request.watchBatch, auth);
      let response: Response;
      if ("control" in request) {
        const { method, ...init } = request.control;
        const { name, input } = DispatchService.method[method];
        response = await call(
          `DispatchService/${name}`,
          input as DescMessage,
          init as MessageInitShape<DescMessage>,
          headers,
        );
      } else if ("getBatch" in request) {
        response = await call("StatusService/GetBatch", GetBatchRequestSchema, { batchId: request.getBatch }, headers);
      } else if ("getMessage" in request) {
        response = await call(
          "StatusService/GetMessage",
          GetMessageRequestSchema,
          { messageId: request.getMessage },
          headers,
        );
      } else if ("listMessages" in request) {
        response = await call("StatusService/ListMessages", ListMessagesRequestSchema, request.listMessages, headers);
      } else {
        const body = bulkSendBody(request);
        if (body === undefined) return undefined;
        response = await post("whatsapphub.v1.DispatchService/BulkSend", body, headers);
        if (response.ok) return acceptedOf(await bulkSendAnswer(response));
      }
      if (!response.ok) return refusalOfConnectResponse(response);
      await response.arrayBuffer();
      return fine;
    },
    close() {},
  };

  async function bulkSendAnswer(response: Response) {
    if (binary) return fromBinary(BulkSendResponseSchema, new Uint8Array(await response.arrayBuffer()));
    return create(BulkSendResponseSchema, (await response.json()) as MessageInitShape<typeof BulkSendResponseSchema>);
  }
}
