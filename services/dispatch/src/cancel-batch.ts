import type { CallContext } from "@wahub/platform";
import { BatchState, type CancelBatchRequest } from "@wahub/proto";
import { cancelBatch, toBatch, withStoreErrors, type Caller } from "@wahub/store";
import { standing, type BatchControlDeps } from "./batch-control.ts";

/** CancelBatch: nothing of the batch is claimed from the commit on; `close-waiting.ts` moves what waits. */
export function createCancelBatch({ store, events, now }: BatchControlDeps) {
  return async (request: CancelBatchRequest, { caller, signal, log }: CallContext<Caller>) => {
    const batchId = request.batchId.toLowerCase();
    const wish = { now: now(), signal };
    const change = await withStoreErrors(() => cancelBatch(store.pool, caller.tenantId, batchId, wish));
    const batch = standing(batchId, change, BatchState.CANCELED);
    if (change?.changed) events.batchControlled(log, { batchId, act: "canceled" });
    return { batch: toBatch(batch) };
  };
}
