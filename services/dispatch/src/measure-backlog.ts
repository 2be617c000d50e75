import { measureBacklog, type Store } from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/**
 * One round of measuring how much waits to be sent, for whoever decides how many senders there are. Every replica
 * measures the same, so theirs are not added up.
 */
export function createMeasureBacklogRound(deps: { store: Store; events: DispatchEvents }) {
  return async (): Promise<void> => deps.events.backlogMeasured(await measureBacklog(deps.store.pool));
}
