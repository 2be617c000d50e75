import type { IncomingMessage } from "node:http";
import { maxValues, type RequestRoom, tooManyValues } from "@wahub/platform";
import type { RequestHandler } from "express";
import { enterRoom } from "./enter-room.ts";
import { countJsonValues } from "./json-values.ts";
import { HttpRefusal, unsupportedBody } from "./rest-errors.ts";

/**
 * Reads a JSON body whose bytes have come, once there is room for it. Not the parser of express: that has read everything
 * before anybody could look at how much it is.
 *
 * @throws HubError `invalid`, and as `enterRoom`
 */
export function readJson(room: RequestRoom): RequestHandler {
  return async (req, res, next) => {
    const body: unknown = req.body;
    // There is none: it fails as what is no object.
    if (!Buffer.isBuffer(body)) return next();
    if (!isUtf8(req)) throw new HttpRefusal(415, unsupportedBody);
    const values = countJsonValues(body, maxValues);
    if (values > maxValues) throw tooManyValues();
    await enterRoom(room, req, res, { bytes: body.byteLength, values });
    req.body = parse(body);
    next();
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    // Its own words quote the body.
    throw new HttpRefusal(400, "the request is not valid JSON");
  }
}

function isUtf8(req: IncomingMessage): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(req.headers["content-type"] ?? "")?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}
