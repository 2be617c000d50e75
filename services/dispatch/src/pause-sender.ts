import type { CallContext } from "@wahub/platform";
import type { PauseSenderRequest } from "@wahub/proto";
import type { Caller } from "@wahub/store";
import { pauseFor, type SenderControlDeps } from "./sender-control.ts";

/** PauseSender: nothing of the sender is claimed from the commit on, until somebody resumes it. */
export function createPauseSender(deps: SenderControlDeps) {
  return async (request: PauseSenderRequest, context: CallContext<Caller>) => {
    const [sender] = await pauseFor(deps, { scope: "sender", id: request.senderId }, request.reason, context);
    return { sender: sender! };
  };
}
