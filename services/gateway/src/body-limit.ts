import type { IncomingMessage } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { bodyTooLarge } from "./body-too-large.ts";
import { factsOf } from "./call-facts.ts";
import { maxBodyBytes } from "./config.ts";
import { refuse } from "./connect-errors.ts";

/**
 * The bytes of an RPC's body, up to the limit, which are also kept in the facts of the call. What is too much is read and
 * thrown away instead of cutting the connection, because a client that is still sending would see the cut and not the
 * answer.
 *
 * @throws ConnectError, as the library does: anything else it would answer as an internal error
 */
export async function* limitedBody(req: IncomingMessage): AsyncGenerator<Uint8Array> {
  const facts = factsOf(req);
  facts.body = [];
  let size = 0;
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      size += bytes.byteLength;
      if (size > maxBodyBytes) throw refuse(facts, bodyTooLarge());
      facts.body?.push(bytes);
      yield bytes;
    }
  } catch (cause) {
    if (cause instanceof ConnectError) throw cause;
    throw new ConnectError("the request broke off", Code.Canceled, undefined, undefined, cause);
  } finally {
    req.resume();
  }
}
