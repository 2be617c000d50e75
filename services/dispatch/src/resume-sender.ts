import type { CallContext } from "@wahub/platform";
import type { ResumeSenderRequest } from "@wahub/proto";
import type { Caller } from "@wahub/store";
import { resumeFor, type SenderControlDeps } from "./sender-control.ts";

/** ResumeSender: the sender goes on at its full speed; what it had queued is offered again in the next round. */
export function createResumeSender(deps: SenderControlDeps) {
  return async (request: ResumeSenderRequest, context: CallContext<Caller>) => {
    const [sender] = await resumeFor(deps, { scope: "sender", id: request.senderId }, context);
    return { sender: sender! };
  };
}
