import { cancelWaiting, expireWaiting, type Store } from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/** Messages moved per statement: enough to be quick, few enough that nobody waits long for their locks. */
const messagesPerStatement = 2_000;

interface Deps {
  readonly store: Store;
  readonly events: DispatchEvents;
  readonly now: () => Date;
}

/** One round of moving what waits in canceled batches to CANCELED. */
export function createCancelRound({ store, events, now }: Deps) {
  return async (): Promise<{ again: boolean }> => {
    const closed = await cancelWaiting(store.pool, { now: now(), limit: messagesPerStatement });
    events.closedWaiting("canceled", closed);
    return { again: closed.more };
  };
}

/** One round of moving what waits in batches whose time is over to EXPIRED. */
export function createExpireRound({ store, events, now }: Deps) {
  return async (): Promise<{ again: boolean }> => {
    const closed = await expireWaiting(store.pool, { now: now(), limit: messagesPerStatement });
    events.closedWaiting("expired", closed);
    return { again: closed.more };
  };
}
