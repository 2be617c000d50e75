const COMPACT_AFTER = 1_024;

/** First in, first out, with a bound on what runs at once and on what waits. */
export interface WorkQueue<T> {
  /** Takes `item`, or returns false when too many wait already. */
  push(item: T): boolean;
  /** Forgets what waits; what runs is left to end. */
  clear(): void;
  readonly waiting: number;
  readonly running: number;
}

/** Creates a queue that calls `run` for each item. `run` must not reject. */
export function createWorkQueue<T>(
  run: (item: T) => Promise<void>,
  concurrency: () => number,
  capacity: number,
): WorkQueue<T> {
  let items: T[] = [];
  let head = 0;
  let running = 0;

  const startNext = (): void => {
    while (running < concurrency() && head < items.length) {
      const item = items[head]!;
      head += 1;
      if (head >= COMPACT_AFTER && head * 2 >= items.length) {
        items = items.slice(head);
        head = 0;
      }
      running += 1;
      void run(item).then(ended);
    }
  };
  const ended = (): void => {
    running -= 1;
    startNext();
  };

  return {
    push(item) {
      if (items.length - head >= capacity) return false;
      items.push(item);
      startNext();
      return true;
    },
    clear() {
      items = [];
      head = 0;
    },
    get waiting() {
      return items.length - head;
    },
    get running() {
      return running;
    },
  };
}
