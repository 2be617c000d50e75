import { sweepBatches, type Store } from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/** Message rows deleted per transaction. */
const rowsPerRound = 5_000;

/** One round of clearing away batches that were begun and never finished, or refused as a whole. */
export function createSweepRound(deps: {
  store: Store;
  events: DispatchEvents;
  now: () => Date;
  abandonAfterMs: number;
}) {
  return async (): Promise<{ again: boolean }> => {
    const abandonedBefore = new Date(deps.now().getTime() - deps.abandonAfterMs);
    const swept = await sweepBatches(deps.store.pool, { abandonedBefore, rowsPerRound });
    deps.events.swept(swept);
    return { again: swept.more };
  };
}
