import type { CallContext } from "@wahub/platform";
import type { ResumeAccountRequest } from "@wahub/proto";
import type { Caller } from "@wahub/store";
import { resumeFor, type SenderControlDeps } from "./sender-control.ts";

/** ResumeAccount: its senders go on, apart from those that are paused themselves. */
export function createResumeAccount(deps: SenderControlDeps) {
  return async (request: ResumeAccountRequest, context: CallContext<Caller>) => ({
    senders: await resumeFor(deps, { scope: "account", id: request.accountId }, context),
  });
}
