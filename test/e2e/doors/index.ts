import type { StackUrls } from "@wahub/stack";
import { openConnectDoor } from "./connect-door.ts";
import type { Door } from "./door.ts";
import { openGrpcDoor } from "./grpc-door.ts";
import { openGrpcStreamDoor } from "./grpc-stream-door.ts";
import { openGrpcWebDoor } from "./grpc-web-door.ts";
import { openRestDoor } from "./rest-door.ts";

export type * from "./door.ts";
export { fine } from "./door.ts";

/** Every way into the hub. */
export function openDoors(urls: StackUrls): readonly Door[] {
  return [
    openGrpcDoor(urls),
    openGrpcStreamDoor(urls.dispatchGrpc),
    openConnectDoor(urls.gateway, "binary"),
    openConnectDoor(urls.gateway, "JSON"),
    openGrpcWebDoor(urls.gateway),
    openRestDoor(urls.gateway),
  ];
}
