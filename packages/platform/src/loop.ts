import { setTimeout as sleep } from "node:timers/promises";
import type { Component } from "./app.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** `again`: there is more to do, so run again at once instead of waiting. */
export type LoopResult = { readonly again?: boolean } | void;

export interface LoopOptions {
  /** Label of its metrics and its log lines, in snake_case. */
  readonly name: string;
  /** Pause between the end of one run and the start of the next. */
  readonly everyMs: number;
  /**
   * One turn of the loop. The signal is aborted when the loop stops: finish what must be finished, begin nothing new.
   * Never runs twice at the same time.
   */
  readonly runOnce: (signal: AbortSignal) => Promise<LoopResult>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Share of each pause that is random (0 to 1, 0.1 by default), so that replicas do not all run at the same moment. */
  readonly jitter?: number;
  /** Longest pause after errors, also where `everyMs` is longer: 2 s, so that work goes on soon after an outage. */
  readonly maxBackoffMs?: number;
  /** The pause itself; returns early when the signal is aborted. Tests pass their own. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random?: () => number;
}

export interface Loop extends Component {
  /** Ends the current pause: runs now, or once more right after the run under way. A pause after an error is kept. */
  wake(): void;
}

/**
 * Runs `runOnce` again and again from `start` (which does not wait for the first run) until `stop` (which waits for the
 * run under way). An error is counted and the loop goes on, waiting twice as long after each in a row. Of errors in a row
 * the 1st, 2nd, 4th, 8th and so on are logged as errors, the rest at debug level, and then that it works again.
 */
export function createLoop(options: LoopOptions): Loop {
  const { name, everyMs, runOnce, log, metrics, jitter = 0.1, maxBackoffMs = 2_000, random = Math.random } = options;
  const pause = options.pause ?? pauseFor;
  const runs = metrics.counter({
    name: "whatsapphub_loop_runs_total",
    help: "Runs of a background loop by how they ended",
    labels: ["loop", "result"],
  });
  const duration = metrics.histogram({
    name: "whatsapphub_loop_run_duration_seconds",
    help: "How long one run of a background loop took",
    labels: ["loop"],
  });
  const stopped = new AbortController();
  let resting: AbortController | undefined;
  let woken = false;
  let running: Promise<void> | undefined;
  let failures = 0;

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      woken = false;
      const again = await turn();
      if (!again && !woken) await rest();
      else if (failures > 0) await rest();
    }
  }

  async function turn(): Promise<boolean> {
    const end = duration.startTimer({ loop: name });
    try {
      const result = await runOnce(stopped.signal);
      if (failures > 0) log.info({ event: "loop_recovered", loop: name, failures });
      failures = 0;
      runs.inc({ loop: name, result: "ok" });
      return result?.again === true;
    } catch (err) {
      failures += 1;
      runs.inc({ loop: name, result: "error" });
      const isPowerOfTwo = (failures & (failures - 1)) === 0;
      log[isPowerOfTwo ? "error" : "debug"]({ event: "loop_failed", loop: name, failures, err });
      return false;
    } finally {
      end();
    }
  }

  async function rest(): Promise<void> {
    if (stopped.signal.aborted) return;
    resting = new AbortController();
    await pause(pauseMs(), resting.signal);
    resting = undefined;
  }

  function pauseMs(): number {
    const base = failures === 0 ? everyMs : Math.min(maxBackoffMs, Math.max(everyMs, 250 * 2 ** (failures - 1)));
    return Math.round(base * (1 - jitter * random()));
  }

  return {
    name,
    start() {
      running = run();
      return Promise.resolve();
    },
    async stop() {
      stopped.abort();
      resting?.abort();
      await running;
    },
    wake() {
      woken = true;
      if (failures === 0) resting?.abort();
    },
  };
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  // Rejects only because it was aborted, which is how a pause ends early.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
