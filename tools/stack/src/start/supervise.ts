import { setTimeout as sleep } from "node:timers/promises";

/** Something that runs until it is stopped, or dies. */
export interface Run {
  readonly pid: number;
  /** Resolves, with words for how, when it has ended. Never rejects. */
  readonly ended: Promise<string>;
  stop(): Promise<unknown>;
}

export interface SuperviseOptions {
  readonly name: string;
  readonly start: () => Promise<Run>;
  /** Told of each end that nobody asked for, and of each new start. */
  readonly say: (line: string) => void;
  /** The first wait before a new start; each failure in a row doubles it. */
  readonly firstWaitMs?: number;
  readonly longestWaitMs?: number;
  /** What ran for so long was healthy: the next wait is the first again. */
  readonly healthyAfterMs?: number;
}

export interface Supervised {
  readonly name: string;
  /** No more starts; resolves when what runs has ended. */
  stop(): Promise<void>;
}

/** Starts it, and again whenever it ends by itself, for as long as nobody stops it. Throws if the first start fails. */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  const { name, start, say, firstWaitMs = 500, longestWaitMs = 30_000, healthyAfterMs = 60_000 } = options;
  const stopping = new AbortController();
  let current: Run | undefined = await start();
  say(`${name} runs as process ${current.pid}`);
  const over = keepRunning(current);

  async function keepRunning(first: Run): Promise<void> {
    let waitMs = firstWaitMs;
    let run: Run | undefined = first;
    let startedAt = performance.now();
    let what = `is gone (${await run.ended})`;
    while (!stopping.signal.aborted) {
      if (run !== undefined && performance.now() - startedAt >= healthyAfterMs) waitMs = firstWaitMs;
      say(`${name} ${what}; starting it again in ${waitMs / 1_000} s`);
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      waitMs = Math.min(2 * waitMs, longestWaitMs);
      run = await start().catch((error: unknown) => {
        what = `did not start: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}`;
        return undefined;
      });
      if (run === undefined) continue;
      current = run;
      startedAt = performance.now();
      // Somebody may have asked to stop while it was starting.
      if (stopping.signal.aborted) await run.stop();
      else say(`${name} runs again as process ${run.pid}`);
      what = `is gone (${await run.ended})`;
    }
  }

  return {
    name,
    async stop() {
      stopping.abort();
      await current?.stop();
      await over;
    },
  };
}
