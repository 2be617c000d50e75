import { setTimeout as sleep } from "node:timers/promises";
import { notFound } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import type { WatchBatchRequest } from "@wahub/proto";
import {
  cancelable,
  readBatch,
  toBatch,
  withStoreErrors,
  type Caller,
  type Store,
  type StoredBatch,
} from "@wahub/store";

/**
 * WatchBatch: the batch now and whenever its counts or state change, until it is settled. The database is asked at an
 * interval; changes in between come as one. A slow reader slows only its own stream.
 */
export function createWatchBatch(store: Store, options: { everyMs: number }) {
  return async function* (request: WatchBatchRequest, context: CallContext<Caller>) {
    const batchId = request.batchId.toLowerCase();
    const ended = AbortSignal.any([context.signal, context.stopping]);
    const pool = cancelable(store.pool, ended);
    for (let shown = ""; ;) {
      const batch = await withStoreErrors(() => readBatch(pool, context.caller.tenantId, batchId));
      if (!batch) throw notFound(`batch ${batchId}`);
      const face = visible(batch);
      if (face !== shown) yield { batch: toBatch(batch) };
      shown = face;
      if (batch.settledAt) return;
      await sleep(options.everyMs, undefined, { signal: ended }).catch(() => ended.throwIfAborted());
    }
  };
}

/** What a watcher would notice a change of. */
function visible({ state, pause, counts, completedAt, settledAt }: StoredBatch): string {
  return JSON.stringify([state, pause?.at, counts, completedAt, settledAt]);
}
