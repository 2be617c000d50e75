import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";

/**
 * The same handler, except that it stops answering when the client has gone away. The library takes the answer it
 * cannot write for a fault and prints it, unless it is told in this way that the call was given up.
 */
export function quietWhenGone(handler: UniversalHandler): UniversalHandler {
  const quiet = async (request: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const answer = await handler(request);
    return answer.body === undefined ? answer : { ...answer, body: untilGone(answer.body, request.signal) };
  };
  return Object.assign(quiet, handler);
}

async function* untilGone(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (signal.aborted) throw new ConnectError("the client went away", Code.Aborted);
    yield chunk;
  }
}
