import { notFound } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import type { GetBatchRequest } from "@wahub/proto";
import { readBatch, withStoreErrors, type Caller, type Store } from "@wahub/store";
import { toBatch } from "./to-batch.ts";

/** GetBatch: one batch with its counts, which add up to its total. */
export function createGetBatch(store: Store) {
  return async (request: GetBatchRequest, { caller }: CallContext<Caller>) => {
    const batchId = request.batchId.toLowerCase();
    const batch = await withStoreErrors(() => readBatch(store.pool, caller.tenantId, batchId));
    if (!batch) throw notFound(`batch ${batchId}`);
    return { batch: toBatch(batch) };
  };
}
