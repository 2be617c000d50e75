import { countPaused, type Store } from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/** One round of counting what is paused, for the metrics. Every replica counts the same. */
export function createCountPausedRound(deps: { store: Store; events: DispatchEvents }) {
  return async (): Promise<void> => {
    deps.events.pausedNow(await countPaused(deps.store.pool));
  };
}
