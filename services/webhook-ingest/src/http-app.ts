import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { HubError } from "@wahub/domain";
import { statusCallbackPath } from "@wahub/twilio/webhooks";
import type { WebhookIngestEvents } from "./events.ts";
import { Refusal, refusals, type RefusalReason } from "./refusal.ts";

/** Where status callbacks arrive; with or without a trailing slash. The second path is that of existing installations. */
export const statusPaths = [statusCallbackPath, "/twilio-webhook"];

/** The webhooks over HTTP. Refusals and errors are answered in one place, with a status and a few words. */
export function createHttpApp(deps: { receiveStatus: RequestHandler; events: WebhookIngestEvents }): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.all(statusPaths, deps.receiveStatus);
  app.use(() => {
    throw new Refusal("unknown_path");
  });
  app.use(answerError(deps.events));
  return app;
}

function answerError(events: WebhookIngestEvents): ErrorRequestHandler {
  // Express tells error handlers by their four parameters.
  return (error: unknown, _req, res, _next) => {
    if (error instanceof Refusal) {
      events.refused(error);
      for (const [name, value] of Object.entries(headersOf(error.reason))) res.setHeader(name, value);
      answer(res, refusals[error.reason].status, refusals[error.reason].text);
    } else if (error instanceof HubError && error.kind === "unavailable") {
      // The callback's URL asks Twilio to repeat what gets a 5xx.
      events.callbackFailed("unavailable", error);
      answer(res, 503, "try again");
    } else {
      events.callbackFailed("internal", error);
      answer(res, 500, "internal error");
    }
  };
}

function headersOf(reason: RefusalReason): Record<string, string> {
  if (reason === "wrong_method") return { allow: "POST" };
  // The rest of the body is not waited for.
  if (reason === "too_large") return { connection: "close" };
  return {};
}

function answer(res: express.Response, status: number, text: string): void {
  res.status(status).type("text/plain").send(`${text}\n`);
}
