import { notFound } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import type { GetBatchRequest } from "@wahub/proto";
import { cancelable, readBatch, toBatch, withStoreErrors, type Caller, type Store } from "@wahub/store";

/** GetBatch: one batch with its counts, which add up to its total. */
export function createGetBatch(store: Store) {
  return async (request: GetBatchRequest, { caller, signal }: CallContext<Caller>) => {
    const batchId = request.batchId.toLowerCase();
    const batch = await withStoreErrors(() => readBatch(cancelable(store.pool, signal), caller.tenantId, batchId));
    if (!batch) throw notFound(`batch ${batchId}`);
    return { batch: toBatch(batch) };
  };
}
