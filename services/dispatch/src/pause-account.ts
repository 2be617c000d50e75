import type { CallContext } from "@wahub/platform";
import type { PauseAccountRequest } from "@wahub/proto";
import type { Caller } from "@wahub/store";
import { pauseFor, type SenderControlDeps } from "./sender-control.ts";

/** PauseAccount: nothing of any of its senders is claimed from the commit on, until somebody resumes it. */
export function createPauseAccount(deps: SenderControlDeps) {
  return async (request: PauseAccountRequest, context: CallContext<Caller>) => ({
    senders: await pauseFor(deps, { scope: "account", id: request.accountId }, request.reason, context),
  });
}
