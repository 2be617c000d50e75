import express, { type RequestHandler, Router } from "express";
import { HubError } from "@wahub/domain";
import type { GrpcClient, RequestRoom } from "@wahub/platform";
import type { DispatchService } from "@wahub/proto";
import { refuseWithoutKey } from "./authorization.ts";
import { factsOf } from "./call-facts.ts";
import { maxBodyBytes } from "./config.ts";
import { inRestWords, readBulkSend } from "./read-bulk-send.ts";
import { readJson } from "./read-json.ts";
import { HttpRefusal } from "./rest-errors.ts";

/** Path of the one REST call; a slash at its end does no harm. */
export const bulkSendPath = "/bulk-send";

export interface BulkSendDeps {
  readonly dispatch: Pick<GrpcClient<typeof DispatchService>, "bulkSend">;
  readonly callTimeoutMs: number;
  readonly room: RequestRoom;
}

/**
 * `POST /bulk-send`: BulkSend for those who want to post one JSON object. Answers 200 with
 * `{ queued, job_ids, rejected, rejected_count, batch_id }`: everything is stored by then.
 */
export function createBulkSendDoor(deps: BulkSendDeps): Router {
  const door = Router({ caseSensitive: true });
  door
    .route(bulkSendPath)
    .post(
      authorized,
      jsonOnly,
      express.raw({ limit: maxBodyBytes, type: "application/json" }),
      readJson(deps.room),
      createBulkSend(deps),
    )
    .all(() => {
      throw new HttpRefusal(405, "this path takes POST", { allow: "POST" });
    });
  return door;
}

const authorized: RequestHandler = (req, _res, next) => {
  refuseWithoutKey(req.headers.authorization);
  next();
};

const jsonOnly: RequestHandler = (req, _res, next) => {
  // A request without a body has no type either; it fails as one that is not an object.
  if (req.is("application/json") === false) throw new HttpRefusal(415, "the content-type must be application/json");
  next();
};

function createBulkSend({ dispatch, callTimeoutMs }: BulkSendDeps): RequestHandler {
  return async (req, res) => {
    const { list, request } = readBulkSend(req.body, req.get("idempotency-key"));
    const gone = new AbortController();
    res.once("close", () => gone.abort());
    try {
      const answer = await dispatch.bulkSend(request, {
        authorization: req.headers.authorization,
        requestId: factsOf(req).requestId,
        deadlineMs: callTimeoutMs,
        signal: gone.signal,
      });
      res.json({
        queued: answer.acceptedCount,
        job_ids: answer.messageIds.filter((id) => id !== ""),
        rejected: answer.rejected.map(({ index, reason }) => ({ index, reason })),
        rejected_count: answer.rejectedCount,
        batch_id: answer.batchId,
      });
    } catch (error) {
      const given = (req.body as Readonly<Record<string, unknown>>)[list];
      throw error instanceof HubError ? inRestWords(error, list, given) : error;
    }
  };
}
