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
  /**
   * Called once, with the same items, where the connection broke in the middle of `write`: the items may be written or
   * not, so this has to find out, or be harmless to do twice. Without it callers hear `unavailable`.
   */
  readonly writeAgain?: (items: readonly Item[]) => Promise<readonly Result[]>;
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

/** What takes longer to fail is no broken connection but a PostgreSQL that hangs: trying again would hang, too. */
const brokenWithinMs = 2_000;

/**
 * Gathers items that arrive while a transaction is under way and writes them together in the next. An item that makes
 * its transaction fail is found by halving, so it spoils nothing for its neighbours. A connection that breaks is not
 * PostgreSQL away: where the items may be written again, they are, on another one. When PostgreSQL is away all items of
 * the transaction fail alike, and with them those that wait: however many there are, nobody waits longer than two
 * transactions take. Memory is bounded by what callers keep waiting.
 */
export function createGroupCommit<Item, Result>(options: GroupCommitOptions<Item, Result>): GroupCommit<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  const idle: (() => void)[] = [];

  const write = async (group: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await attempt(group.map((entry) => entry.item));
      group.forEach((entry, i) => entry.resolve(results[i]!));
    } catch (error) {
      const away = isUnavailable(error);
      if (away || group.length === 1) {
        for (const entry of away ? [...group, ...waiting.splice(0)] : group) entry.reject(error);
        return;
      }
      const middle = group.length >> 1;
      await write(group.slice(0, middle));
      await write(group.slice(middle));
    }
  };

  const attempt = async (items: readonly Item[]): Promise<readonly Result[]> => {
    const begun = performance.now();
    try {
      return await options.write(items);
    } catch (error) {
      const isBroken = isUnavailable(error) && performance.now() - begun < brokenWithinMs;
      if (!isBroken || !options.writeAgain) throw error;
      return options.writeAgain(items);
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

function isUnavailable(error: unknown): boolean {
  return error instanceof HubError && error.kind === "unavailable";
}
