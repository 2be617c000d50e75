import { setTimeout as sleep } from "node:timers/promises";
import { HubError } from "@wahub/domain";
import type { Component } from "./app.ts";
import type { Logger } from "./logger.ts";

export interface WaitOptions<T> {
  /** What wants to go on, in snake_case; for the log. */
  readonly name: string;
  /** May be called any number of times. Throws HubError `unavailable` as long as something is missing. */
  readonly attempt: () => Promise<T>;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Between two attempts; returns early when the signal is aborted. Tests pass their own. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const firstPauseMs = 250;
const longestPauseMs = 2_000;

/**
 * Tries until it works. Waits while the attempt fails with HubError `unavailable`; any other error is thrown. One line in
 * the log for each reason to wait, and one when the wait is over.
 *
 * @throws the signal's reason as soon as it is aborted, also while an attempt is under way, which is left to itself
 */
export async function waitUntil<T>(options: WaitOptions<T>): Promise<T> {
  const { name, attempt, signal, log, pause = pauseFor } = options;
  const begun = performance.now();
  let reason: string | undefined;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      const result = await orAborted(attempt(), signal);
      if (reason !== undefined) {
        log.info({ event: "wait_over", waiting: name, waitedMs: Math.round(performance.now() - begun) });
      }
      return result;
    } catch (err) {
      signal.throwIfAborted();
      if (!(err instanceof HubError) || err.kind !== "unavailable") throw err;
      if (err.message !== reason) log.warn({ event: "waiting", waiting: name, reason: err.message, err });
      reason = err.message;
    }
    await pause(pauseMs, signal);
    signal.throwIfAborted();
  }
}

/**
 * A step of starting a process that needs something of others: what comes after it starts when `run` has gone through.
 * See `waitUntil`; told to stop, the wait ends at once.
 */
export function createStartStep(options: { name: string; run: () => Promise<void>; log: Logger }): Component {
  const { name, run, log } = options;
  return {
    name,
    async start(stopping = new AbortController().signal) {
      try {
        await waitUntil({ name, attempt: run, signal: stopping, log });
      } catch (error) {
        if (!stopping.aborted) throw error;
      }
    },
    stop: () => Promise.resolve(),
  };
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  // Rejects only because it was aborted.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
