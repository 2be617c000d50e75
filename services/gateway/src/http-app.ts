import type { RequestRoom } from "@wahub/platform";
import express, { type Express } from "express";
import { createAccess } from "./access.ts";
import { type BulkSendDeps, createBulkSendDoor } from "./bulk-send.ts";
import { createConnectDoor, type OpenService, rpcPathsOf } from "./connect-door.ts";
import type { GatewayEvents } from "./events.ts";
import { answerError, nothingHere } from "./rest-errors.ts";

/**
 * All doors in one express app. The order matters: the Connect door reads bodies by itself, so nothing before it may
 * parse them; errors end at the last handler.
 */
export function createHttpApp(deps: {
  readonly services: readonly OpenService[];
  readonly bulkSend: Omit<BulkSendDeps, "room">;
  readonly room: RequestRoom;
  readonly events: GatewayEvents;
}): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  app.use(createAccess(rpcPathsOf(deps.services), deps.events));
  app.use(createConnectDoor(deps.services, deps.room));
  app.use(createBulkSendDoor({ ...deps.bulkSend, room: deps.room }));
  app.use(nothingHere);
  app.use(answerError);
  return app;
}
