import { foldCounts, settleOverdueBatches, type Store } from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/** Delta rows folded per transaction. */
const deltasPerRound = 10_000;

/** Overdue batches settled per transaction. */
const batchesPerRound = 100;

/** One round of folding counts: keeps the delta table short, and completes and settles batches on the way. */
export function createFoldRound(deps: { store: Store; events: DispatchEvents; now: () => Date }) {
  return async (): Promise<{ again: boolean }> => {
    const result = await foldCounts(deps.store.pool, { now: deps.now(), limit: deltasPerRound });
    deps.events.folded(result);
    return { again: result.folded >= deltasPerRound };
  };
}

/** One round of settling batches whose last callbacks have not come within `settleAfterMs` of their completion. */
export function createSettleOverdueRound(deps: {
  store: Store;
  events: DispatchEvents;
  now: () => Date;
  settleAfterMs: number;
}) {
  return async (): Promise<{ again: boolean }> => {
    const now = deps.now();
    const settled = await settleOverdueBatches(deps.store.pool, {
      now,
      completedBefore: new Date(now.getTime() - deps.settleAfterMs),
      limit: batchesPerRound,
    });
    deps.events.settledOverdue(settled);
    return { again: settled.length >= batchesPerRound };
  };
}
