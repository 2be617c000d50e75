import type { CallContext } from "@wahub/platform";
import { BatchState, type ResumeBatchRequest } from "@wahub/proto";
import { resumeBatch, toBatch, withStoreErrors, type Caller } from "@wahub/store";
import { standing, type BatchControlDeps } from "./batch-control.ts";

/** ResumeBatch: the planner takes the batch up again in its next round. */
export function createResumeBatch({ store, events, now }: BatchControlDeps) {
  return async (request: ResumeBatchRequest, { caller, signal, log }: CallContext<Caller>) => {
    const batchId = request.batchId.toLowerCase();
    const wish = { now: now(), signal };
    const change = await withStoreErrors(() => resumeBatch(store.pool, caller.tenantId, batchId, wish));
    const batch = standing(batchId, change, BatchState.RUNNING);
    if (change?.changed) events.batchControlled(log, { batchId, act: "resumed" });
    return { batch: toBatch(batch) };
  };
}
