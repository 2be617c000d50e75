import type { RequestHandler } from "express";
import { MessageStatus } from "@wahub/proto";
import type { CallbackFate, GroupCommit, StatusCallback } from "@wahub/store";
import {
  readCallbackQuery,
  readStatusCallback,
  type CallbackForm,
  type SignatureVerdict,
  type SignatureVerifier,
} from "@wahub/twilio/webhooks";
import type { WebhookIngestEvents } from "./events.ts";
import { readForm } from "./read-form.ts";
import { Refusal, type RefusalReason } from "./refusal.ts";
import { toStatusCallback } from "./to-status-callback.ts";

/** What the handler needs of a request. */
interface WebhookRequest {
  readonly originalUrl: string;
  get(header: string): string | undefined;
}

/**
 * Takes a status callback: read, verify, apply, answer. The answer 204 means that the callback is durable. Whoever did
 * not sign with the account's token learns nothing and changes nothing.
 */
export function createReceiveStatus(deps: {
  verifier: SignatureVerifier;
  callbacks: GroupCommit<StatusCallback, CallbackFate>;
  events: WebhookIngestEvents;
  now: () => Date;
}): RequestHandler {
  const { verifier, callbacks, events, now } = deps;
  return async (req, res) => {
    const receivedAt = now();
    const form = await readForm(req);
    verify(verifier, req, form);
    const reading = readStatusCallback(form);
    if (!reading.ok) throw new Refusal("missing_fields", reading.fault);

    const target = readCallbackQuery(queryOf(req.originalUrl));
    const callback = toStatusCallback({ callback: reading.callback, target, form, receivedAt });
    const fate = await callbacks.submit(callback);
    if (callback.status === MessageStatus.UNSPECIFIED) events.statusUnknown(reading.callback.status);
    else events.callbackTaken({ callback, fate, tookMs: now().getTime() - receivedAt.getTime() });
    res.status(204).end();
  };
}

function verify(verifier: SignatureVerifier, req: WebhookRequest, form: CallbackForm): void {
  const accountSid = form["AccountSid"];
  if (typeof accountSid !== "string") throw new Refusal("missing_fields", "AccountSid is missing");
  const verdict = verifier.verify({
    accountSid,
    signature: req.get("x-twilio-signature"),
    pathAndQuery: req.originalUrl,
    form,
  });
  if (verdict !== "ok") throw new Refusal(verdictReasons[verdict]);
}

const verdictReasons: Record<Exclude<SignatureVerdict, "ok">, RefusalReason> = {
  unknown_account: "unknown_account",
  missing: "missing_signature",
  mismatch: "wrong_signature",
};

/** The parameters of a URL; of a repeated one the last. */
function queryOf(originalUrl: string): Record<string, string> {
  const [, query = ""] = originalUrl.split("?", 2);
  return Object.fromEntries(new URLSearchParams(query));
}
