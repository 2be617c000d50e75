import { invalid, textFault, violation } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import { BatchState, type PauseBatchRequest } from "@wahub/proto";
import { pauseBatch, toBatch, withStoreErrors, type Caller } from "@wahub/store";
import { standing, type BatchControlDeps } from "./batch-control.ts";

/** PauseBatch: nothing of the batch is claimed from the commit on. One that is paused already keeps its reason. */
export function createPauseBatch({ store, events, now }: BatchControlDeps) {
  return async (request: PauseBatchRequest, { caller, signal, log }: CallContext<Caller>) => {
    const faults = violation("reason", textFault(request.reason));
    if (faults.length > 0) throw invalid(faults);
    const batchId = request.batchId.toLowerCase();
    const wish = { code: 0, reason: request.reason.trim() || "paused by a caller", now: now(), signal };
    const change = await withStoreErrors(() => pauseBatch(store.pool, caller.tenantId, batchId, wish));
    const batch = standing(batchId, change, BatchState.PAUSED);
    if (change?.changed) events.batchControlled(log, { batchId, act: "paused" });
    return { batch: toBatch(batch) };
  };
}
