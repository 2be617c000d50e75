/** One key press may arrive up to three times: from the terminal, from npm and from the script that started us. */
const SAME_PRESS_MS = 1_000;

/** We were asked to end before the work was done. */
export class StopRequest extends Error {
  override name = "StopRequest";
  readonly exitCode: number;

  constructor(reason: string, exitCode: number) {
    super(`stopped: ${reason}`);
    this.exitCode = exitCode;
  }
}

/**
 * Aborts, with a StopRequest as its reason, when somebody asks this process to end: by SIGINT, SIGTERM or SIGHUP, or
 * because the process that started us has vanished. Whoever asks again more than a second later ends us at once; the
 * watchdog then does the rest.
 */
export function stopRequests(): AbortSignal {
  const controller = new AbortController();
  let askedAt = 0;
  const ask = (reason: string, exitCode: number) => {
    if (!controller.signal.aborted) {
      askedAt = Date.now();
      controller.abort(new StopRequest(reason, exitCode));
    } else if (Date.now() - askedAt > SAME_PRESS_MS) {
      process.exit(exitCode);
    }
  };
  process.on("SIGINT", () => ask("SIGINT", 130));
  process.on("SIGTERM", () => ask("SIGTERM", 143));
  process.on("SIGHUP", () => ask("SIGHUP", 129));
  if (process.connected) {
    process.on("disconnect", () => ask("the process that started it is gone", 143));
    // Listening alone is no reason to stay.
    process.channel?.unref();
  }
  return controller.signal;
}
