import { Router } from "express";
import type { Operation } from "./door.ts";
import { notFound } from "./twilio-fault.ts";
import type { ErrorRequestHandler, RequestHandler } from "express";

const MESSAGES = "/2010-04-01/Accounts/:accountSid/Messages";

/** The operations of the Messages API. */
export interface Operations {
  readonly create: Operation;
  readonly list: Operation;
  readonly get: Operation;
}

/** Puts every operation at its path, behind the door. Everything else under Accounts does not exist. */
export function createTwilioRouter(door: (operation: Operation) => RequestHandler, operations: Operations): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const nothingHere = door((req) => {
    throw notFound(req.path);
  });
  router.post(`${MESSAGES}.json`, door(operations.create));
  router.get(`${MESSAGES}.json`, door(operations.list));
  router.get(`${MESSAGES}/:sid.json`, door(operations.get));
  router.all("/2010-04-01/Accounts/:accountSid{/*rest}", nothingHere);
  // What a path with a broken escape (%zz) would name does not exist either.
  router.use(((_error, req, res, next) => nothingHere(req, res, next)) satisfies ErrorRequestHandler);
  return router;
}
