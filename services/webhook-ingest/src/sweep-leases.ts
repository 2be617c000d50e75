import { expireLeases, type Store } from "@wahub/store";
import type { WebhookIngestEvents } from "./events.ts";

/** Messages moved per transaction. */
const messagesPerRound = 1000;

/** One round of moving messages to unknown whose sender has not reported within its lease. */
export function createLeaseSweepRound(deps: { store: Store; events: WebhookIngestEvents; now: () => Date }) {
  return async (): Promise<{ again: boolean }> => {
    const moved = await expireLeases(deps.store.pool, { now: deps.now(), limit: messagesPerRound });
    deps.events.leasesExpired(moved);
    return { again: moved >= messagesPerRound };
  };
}
