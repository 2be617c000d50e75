import type { IncomingMessage, ServerResponse } from "node:http";
import { HubError } from "@wahub/domain";
import type { RequestRoom, RequestSize } from "@wahub/platform";

/**
 * Waits for the room that it takes to read and pass on a request, which is given back when the answer is through. Whose it
 * is says the key, good or not.
 *
 * @throws HubError `limited` or `unavailable` when too much waits already, or the client goes away meanwhile
 */
export async function enterRoom(
  room: RequestRoom,
  req: IncomingMessage,
  res: ServerResponse,
  size: RequestSize,
): Promise<void> {
  const gone = new AbortController();
  const abort = (): void => gone.abort(new HubError("unavailable", "the client went away"));
  res.once("close", abort);
  const leave = await room.enter(req.headers.authorization ?? "", size, gone.signal);
  res.off("close", abort);
  if (res.closed) leave();
  else res.once("close", leave);
}
