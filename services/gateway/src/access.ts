import type { IncomingMessage } from "node:http";
import { requestIdHeader, requestIdOf } from "@wahub/platform";
import type { RequestHandler } from "express";
import { type CallFacts, type Door, rememberFacts } from "./call-facts.ts";
import type { GatewayEvents } from "./events.ts";
import { bulkSendPath } from "./bulk-send.ts";

/**
 * Where every request checks in and out: gives it an id, says what holds for every answer, and reports its end.
 *
 * @param rpcPaths the paths of all RPCs, each with its leading slash
 */
export function createAccess(rpcPaths: ReadonlySet<string>, events: GatewayEvents): RequestHandler {
  return (req, res, next) => {
    const facts: CallFacts = {
      requestId: requestIdOf(req.headers[requestIdHeader]),
      startedAt: performance.now(),
      ...entranceOf(req, rpcPaths),
    };
    rememberFacts(req, facts);
    res.setHeader(requestIdHeader, facts.requestId);
    // Answers are about people and never pages.
    res.setHeader("cache-control", "no-store");
    res.setHeader("x-content-type-options", "nosniff");
    res.once("close", () => events.callEnded(facts, { httpStatus: res.statusCode, complete: res.writableFinished }));
    next();
  };
}

function entranceOf(req: IncomingMessage, rpcPaths: ReadonlySet<string>): { door: Door; route: string } {
  const path = (req.url ?? "").split("?", 1)[0] ?? "";
  if (path === bulkSendPath || path === `${bulkSendPath}/`) return { door: "rest", route: bulkSendPath };
  if (!rpcPaths.has(path)) return { door: "none", route: "unknown" };
  const isGrpcWeb = req.headers["content-type"]?.startsWith("application/grpc-web") === true;
  return { door: isGrpcWeb ? "grpc_web" : "connect", route: path.slice(1) };
}
