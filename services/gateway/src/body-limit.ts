import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { maxValues, type RequestRoom, tooManyValues } from "@wahub/platform";
import { bodyTooLarge } from "./body-too-large.ts";
import { countBodyValues } from "./body-values.ts";
import { factsOf } from "./call-facts.ts";
import { maxBodyBytes } from "./config.ts";
import { refuse } from "./connect-errors.ts";
import { requestFormat } from "./request-format.ts";
import { enterRoom } from "./enter-room.ts";

/**
 * The body of an RPC in one piece, which is also kept in the facts of the call, once there is room to read it. What is
 * too much is read and thrown away instead of cutting the connection, because a client that is still sending would see
 * the cut and not the answer.
 *
 * @throws ConnectError, as the library does: anything else it would answer as an internal error
 */
export async function* limitedBody(
  req: IncomingMessage,
  res: ServerResponse,
  schema: DescMessage,
  room: RequestRoom,
): AsyncGenerator<Uint8Array> {
  const facts = factsOf(req);
  const body = await received(req);
  facts.body = [body];
  try {
    const header = { get: (name: string) => req.headers[name]?.toString() };
    const format = requestFormat(header);
    const values = format === undefined ? 0 : await countBodyValues(schema, body, format);
    if (values > maxValues) throw tooManyValues();
    await enterRoom(room, req, res, { bytes: body.byteLength, values });
  } catch (error) {
    throw refuse(facts, error);
  }
  yield body;
}

async function received(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      size += bytes.byteLength;
      if (size > maxBodyBytes) throw refuse(factsOf(req), bodyTooLarge());
      chunks.push(bytes);
    }
  } catch (cause) {
    if (cause instanceof ConnectError) throw cause;
    throw new ConnectError("the request broke off", Code.Canceled, undefined, undefined, cause);
  } finally {
    req.resume();
  }
  return Buffer.concat(chunks, size);
}
