interface Stoppable {
  stop(): Promise<unknown>;
}

/** What was started, so that it can be stopped the other way round. */
export interface Closers {
  add(close: () => Promise<unknown>): void;
  /** Waits for the start and adds the stop of what came of it. */
  track<T extends Stoppable>(starting: Promise<T>): Promise<T>;
  /** Runs every closer, last added first, even when some fail; throws the first failure at the end. Only once. */
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const closers: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const closeAll = async () => {
    const failures: unknown[] = [];
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
  return {
    add: (close) => void closers.push(close),
    track: async (starting) => {
      const started = await starting;
      closers.push(() => started.stop());
      return started;
    },
    close: () => (closing ??= closeAll()),
  };
}

/**
 * Like Promise.all, but rejects only when all have come to an end: what starts side by side is then either running and
 * known, or gone.
 */
export async function allStarted<const T extends readonly Promise<unknown>[]>(
  starting: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(starting);
  return Promise.all(starting);
}
