import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { type ConnectRouter, type ServiceImpl, createContextValues } from "@connectrpc/connect";
import { expressConnectMiddleware } from "@connectrpc/connect-express";
import type { RequestRoom } from "@wahub/platform";
import type { RequestHandler } from "express";
import { refuseWithoutKey } from "./authorization.ts";
import { limitedBody } from "./body-limit.ts";
import { bodyTooLarge } from "./body-too-large.ts";
import { quietWhenGone } from "./client-gone.ts";
import { callFactsKey, factsOf } from "./call-facts.ts";
import { maxBodyBytes } from "./config.ts";
import { refuse } from "./connect-errors.ts";
import { cutTimeout } from "./cut-timeout.ts";
import { HttpRefusal } from "./rest-errors.ts";
import { refuseInOurWords, withDetails } from "./refusals.ts";

/** A service and the handlers that pass its calls on. */
export interface OpenService {
  readonly service: DescService;
  readonly handlers: Partial<ServiceImpl<DescService>>;
}

/** The paths of all RPCs of the services. */
export function rpcPathsOf(services: readonly OpenService[]): ReadonlySet<string> {
  return new Set(rpcsOf(services).keys());
}

function rpcsOf(services: readonly OpenService[]): ReadonlyMap<string, DescMethod> {
  const rpcs = services.flatMap(({ service }) => service.methods);
  return new Map(rpcs.map((rpc) => [`/${rpc.parent.typeName}/${rpc.name}`, rpc]));
}

/**
 * Connect, gRPC-Web and JSON over HTTP/1.1. gRPC itself is spoken by the services behind.
 *
 * CORS is left out on purpose: keys belong on servers, so no page of a browser has one to call with.
 */
export function createConnectDoor(services: readonly OpenService[], room: RequestRoom): RequestHandler[] {
  const rpcs = rpcsOf(services);
  return [
    (req, res, next) => {
      const rpc = rpcs.get(req.path);
      if (rpc !== undefined) {
        refuseWithoutHost(req.headers.host);
        cutTimeout(req.headers);
        // The library reads a body that it finds here instead of the request.
        req.body = limitedBody(req, res, rpc.input, room);
      }
      next();
    },
    expressConnectMiddleware({
      routes: (router) => addRoutes(router, services),
      grpc: false,
      readMaxBytes: maxBodyBytes,
      // A misspelt field is a fault of the caller that should not pass unnoticed.
      jsonOptions: { ignoreUnknownFields: false },
      contextValues: (req) => createContextValues().set(callFactsKey, factsOf(req)),
      requestGate: (context) => {
        try {
          refuseWithoutKey(context.requestHeader.get("authorization"));
          if (Number(context.requestHeader.get("content-length")) > maxBodyBytes) throw bodyTooLarge();
        } catch (error) {
          throw refuse(context.values.get(callFactsKey), error);
        }
      },
      interceptors: [refuseInOurWords],
    }),
  ];
}

/** The library builds a URL of it. */
function refuseWithoutHost(host: string | undefined): void {
  if (host === undefined || !URL.canParse(`http://${host}/`)) {
    throw new HttpRefusal(400, "the Host header is not a host name");
  }
}

function addRoutes(router: ConnectRouter, services: readonly OpenService[]): void {
  for (const { service, handlers } of services) router.service(service, handlers);
  router.handlers.splice(
    0,
    router.handlers.length,
    ...router.handlers.map((handler) => quietWhenGone(withDetails(handler))),
  );
}
