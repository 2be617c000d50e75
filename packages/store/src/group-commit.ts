import { HubError } from "@wahub/domain";

/** Many callers' items written by one statement. */
export interface GroupCommit<Item, Result> {
  /** Resolves once the item is durable; rejects with the reason where it alone could not be written. */
  submit(item: Item): Promise<Result>;
  /** Resolves when everything submitted so far has been written or has failed. */
  drain(): Promise<void>;
}

export interface GroupCommitOptions<Item, Result> {
  /** Writes all items in one transaction and returns one result per item, in order. All or nothing. */
  readonly write: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Most items per transaction. */
  readonly maxItems: number;
  /** Most transactions at once. While all are busy, items gather for the next: no timer, no idle wait. */
  readonly maxConcurrent: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers items that arrive while a transaction is under way and writes them together in the next. An item that makes
 * its transaction fail is found by halving, so it spoils nothing for its neighbours. When PostgreSQL is away all items
 * of the transaction fail alike, and with them those that wait: however many there are, nobody waits longer than two
 * transactions take. Memory is bounded by what callers keep waiting.
 */
export function createGroupCommit<Item, Result>(options: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  const idle: (() => void)[] = [];

  const write = async (group: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await options.write(group.map((entry) => entry.item));
      group.forEach((entry, i) => entry.resolve(results[i]!));
    } catch (error) {
      const away = error instanceof HubError && error.kind === "unavailable";
      if (away || group.length === 1) {
        for (const entry of away ? [...group, ...waiting.splice(0)] : group) entry.reject(error);
        return;
      }
      const middle = group.length >> 1;
      await write(group.slice(0, middle));
      await write(group.slice(middle));
    }
  };

  const pump = (): void => {
    while (running < options.maxConcurrent && waiting.length > 0) {
      const group = waiting.splice(0, options.maxItems);
      running++;
      void write(group).finally(() => {
        running--;
        pump();
      });
    }
    if (running === 0 && waiting.length === 0) idle.splice(0).forEach((resolve) => resolve());
  };

  // Items submitted in the same turn of the event loop share a transaction.
  let scheduled = false;
  const schedulePump = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      pump();
    });
  };

  return {
    submit: (item) =>
      new Promise<Result>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedulePump();
      }),
    drain: () =>
      running === 0 && waiting.length === 0 ? Promise.resolve() : new Promise<void>((resolve) => idle.push(resolve)),
  };
}
