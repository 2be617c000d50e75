import {
  applyCallbacks,
  createGroupCommit,
  withStoreErrors,
  type CallbackFate,
  type GroupCommit,
  type StatusCallback,
  type Store,
} from "@wahub/store";

/** Most callbacks per statement: tens of milliseconds of PostgreSQL's time. */
const maxItems = 500;

/** One statement under way while the next fills up; a second lets a slow one not hold up all. */
const maxConcurrent = 2;

const dayMs = 24 * 3600 * 1000;

/** Callbacks of all requests in hand, applied many at a time. A submitted one resolves when it is durable. */
export function createCallbackGroup(
  store: Store,
  options: { now: () => Date; parkedDays: number },
): GroupCommit<StatusCallback, CallbackFate> {
  return createGroupCommit({
    write: (callbacks: readonly StatusCallback[]) => {
      const parkUntil = new Date(options.now().getTime() + options.parkedDays * dayMs);
      return withStoreErrors(() => applyCallbacks(store.pool, callbacks, parkUntil));
    },
    maxItems,
    maxConcurrent,
  });
}
