import { deleteExpiredCallbacks, type Store } from "@wahub/store";
import type { WebhookIngestEvents } from "./events.ts";

/** Callbacks deleted per transaction. */
const callbacksPerRound = 1000;

/** One round of deleting parked callbacks that are past their expiry. */
export function createDeleteParkedRound(deps: { store: Store; events: WebhookIngestEvents; now: () => Date }) {
  return async (): Promise<{ again: boolean }> => {
    const deleted = await deleteExpiredCallbacks(deps.store.pool, deps.now(), callbacksPerRound);
    deps.events.parkedExpired(deleted);
    return { again: deleted >= callbacksPerRound };
  };
}
