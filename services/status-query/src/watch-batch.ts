import { notFound } from "@wahub/domain";
import type { CallContext, FairGate } from "@wahub/platform";
import type { WatchBatchRequest } from "@wahub/proto";
import { toBatch, type Caller } from "@wahub/store";
import type { BatchFeed } from "./batch-feed.ts";

/**
 * WatchBatch: the batch now and whenever its counts or state change, until it is settled. The database is asked at an
 * interval, once for all who watch the batch; changes in between come as one. A slow reader slows only its own stream.
 *
 * @param places how many streams there may be at once, per tenant and in all
 */
export function createWatchBatch(feed: BatchFeed, places: FairGate) {
  return async function* (request: WatchBatchRequest, context: CallContext<Caller>) {
    const batchId = request.batchId.toLowerCase();
    const { tenantId } = context.caller;
    const ended = AbortSignal.any([context.signal, context.stopping]);
    const leave = await places.enter(tenantId, 1, ended);
    try {
      for await (const batch of feed.watch(tenantId, batchId, ended)) {
        if (batch === undefined) throw notFound(`batch ${batchId}`);
        yield { batch: toBatch(batch) };
      }
    } finally {
      leave();
    }
  };
}
