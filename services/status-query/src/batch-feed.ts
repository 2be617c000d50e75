import { setTimeout as sleep } from "node:timers/promises";
import type { StoredBatch } from "@wahub/store";

export interface BatchFeedOptions {
  /** The batch as it is now; undefined where the tenant has none of this id. */
  readonly read: (tenantId: string, batchId: string, signal: AbortSignal) => Promise<StoredBatch | undefined>;
  readonly everyMs: number;
}

/** Batches that somebody watches. */
export interface BatchFeed {
  /**
   * The batch as it was no longer than `everyMs` ago, and then whenever something to be seen has changed. What changes
   * while the watcher is busy comes as one. Ends with a settled batch, or with undefined where there is no such batch.
   *
   * @throws the signal's reason when it is aborted; what reading fails with
   */
  watch(tenantId: string, batchId: string, signal: AbortSignal): AsyncGenerator<StoredBatch | undefined>;
}

/** One batch and all who watch it. */
interface Watched {
  watchers: number;
  /** Changes so far. */
  version: number;
  latest: StoredBatch | undefined;
  /** No change will come any more. */
  isOver: boolean;
  /** Rejected with what reading failed with. */
  failure: Promise<never> | undefined;
  /** Replaced with each change. */
  change: PromiseWithResolvers<void>;
  /** Aborted when nobody watches any more. */
  readonly unwatched: AbortController;
}

/** Asks for each watched batch once per interval, however many watch it. */
export function createBatchFeed({ read, everyMs }: BatchFeedOptions): BatchFeed {
  const all = new Map<string, Watched>();

  async function poll(key: string, watched: Watched, tenantId: string, batchId: string): Promise<void> {
    const { signal } = watched.unwatched;
    try {
      for (let shown = ""; !watched.isOver;) {
        const batch = await read(tenantId, batchId, signal);
        const face = visible(batch);
        watched.isOver = batch === undefined || batch.settledAt !== undefined;
        if (face !== shown) publish(watched, batch);
        shown = face;
        if (!watched.isOver) await sleep(everyMs, undefined, { signal });
      }
    } catch (error) {
      watched.isOver = true;
      watched.failure = Promise.reject(error);
      // Where everybody has gone meanwhile, nobody waits for it.
      watched.failure.catch(() => undefined);
      watched.change.resolve();
    } finally {
      forget(key, watched);
    }
  }

  function forget(key: string, watched: Watched): void {
    if (all.get(key) === watched) all.delete(key);
  }

  function join(key: string, tenantId: string, batchId: string): Watched {
    const known = all.get(key);
    if (known !== undefined) return known;
    const watched: Watched = {
      watchers: 0,
      version: 0,
      latest: undefined,
      isOver: false,
      failure: undefined,
      change: Promise.withResolvers(),
      unwatched: new AbortController(),
    };
    all.set(key, watched);
    void poll(key, watched, tenantId, batchId);
    return watched;
  }

  return {
    async *watch(tenantId, batchId, signal) {
      signal.throwIfAborted();
      const key = `${tenantId} ${batchId}`;
      const watched = join(key, tenantId, batchId);
      watched.watchers += 1;
      try {
        for (let seen = 0; ;) {
          if (watched.version === seen && !watched.isOver) await orAborted(watched.change.promise, signal);
          if (watched.failure !== undefined) await watched.failure;
          if (watched.version === seen) return;
          seen = watched.version;
          yield watched.latest;
        }
      } finally {
        watched.watchers -= 1;
        if (watched.watchers === 0) {
          watched.unwatched.abort();
          forget(key, watched);
        }
      }
    },
  };
}

function publish(watched: Watched, batch: StoredBatch | undefined): void {
  watched.latest = batch;
  watched.version += 1;
  const { change } = watched;
  watched.change = Promise.withResolvers();
  change.resolve();
}

/** What a watcher would notice a change of. */
function visible(batch: StoredBatch | undefined): string {
  if (batch === undefined) return "none";
  const { state, pause, counts, completedAt, settledAt } = batch;
  return JSON.stringify([state, pause?.at, counts, completedAt, settledAt]);
}

async function orAborted(change: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([change, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
