import type { App } from "./app.ts";
import { ConfigError } from "./config.ts";
import { PortInUseError } from "./listen.ts";
import { createLogger, type Logger } from "./logger.ts";

/** Exit codes, after sysexits.h where it has a word for it. */
export const exitCodes = { ok: 0, failed: 1, portInUse: 69, badConfig: 78 } as const;

/** The parts of `process` that a service's life depends on. */
export interface ProcessLike {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
  /** False once the parent at the other end of the IPC channel has gone. */
  readonly connected?: boolean;
  /** There when the parent opened an IPC channel. */
  readonly send?: ((message: unknown) => unknown) | undefined;
  on(event: ProcessEvent, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

type ProcessEvent = "SIGTERM" | "SIGINT" | "disconnect" | "uncaughtException" | "unhandledRejection";

export interface ServiceOptions<C extends { readonly SHUTDOWN_TIMEOUT_MS: number }> {
  /** Of the process, as in its log lines. */
  readonly name: string;
  /** Reads the configuration; throws ConfigError. */
  readonly load: (env: Readonly<Record<string, string | undefined>>) => C;
  /** Builds the app without starting anything. */
  readonly create: (config: C) => App | Promise<App>;
  readonly process?: ProcessLike;
}

/**
 * The whole life of a service, for its `main.ts`. Starts the app, reports its ports (log line and IPC message `started`)
 * and stops it on SIGTERM, SIGINT or when the parent at the IPC channel vanishes. Exits with 0 after a graceful stop; 1 if that
 * takes longer than SHUTDOWN_TIMEOUT_MS, at a second signal, or when anything fails; 69 if a port is in use; 78 if the
 * configuration is wrong. Resolves once the app runs or the process is told to exit.
 */
export async function runService<C extends { readonly SHUTDOWN_TIMEOUT_MS: number }>(
  options: ServiceOptions<C>,
): Promise<void> {
  const proc = options.process ?? process;
  let log: Logger = createLogger({ service: options.name });

  const die = (event: string) => (err: unknown) => {
    log.fatal({ event, err });
    proc.exit(exitCodes.failed);
  };
  proc.on("uncaughtException", die("uncaught_exception"));
  proc.on("unhandledRejection", die("unhandled_rejection"));

  let app: App;
  let timeoutMs: number;
  try {
    const config = options.load(proc.env);
    timeoutMs = config.SHUTDOWN_TIMEOUT_MS;
    app = await options.create(config);
    log = app.log;
  } catch (error) {
    return giveUp(error, log, proc);
  }

  const end = ending(app, timeoutMs, proc);
  proc.on("SIGTERM", () => end.stop("SIGTERM"));
  proc.on("SIGINT", () => end.stop("SIGINT"));
  if (proc.send !== undefined) {
    proc.on("disconnect", () => end.stop("disconnect"));
    // It may have vanished while this process was still loading.
    if (proc.connected === false) return end.stop("disconnect");
  }

  try {
    await app.start();
  } catch (error) {
    if (!end.begun) return giveUp(error, log, proc);
    log.warn({ event: "start_failed", err: error });
  }
  if (end.begun) return;
  const ports = app.ports();
  log.info({ event: "started", ports });
  if (proc.connected !== false) proc.send?.({ type: "started", ports });
}

interface Ending {
  /** Somebody wants the process to stop. */
  readonly begun: boolean;
  stop(reason: string): void;
}

/** What to do when told to stop: gracefully the first time, at once the second time or when it takes too long. */
function ending(app: App, timeoutMs: number, proc: ProcessLike): Ending {
  const { log } = app;
  let deadline: NodeJS.Timeout | undefined;
  const exit = (code: number): void => {
    clearTimeout(deadline);
    proc.exit(code);
  };
  return {
    get begun() {
      return deadline !== undefined;
    },
    stop(reason) {
      if (deadline !== undefined) {
        // A terminal sends SIGINT to the whole group, and then our parent goes too: one wish to stop, not two.
        if (reason === "disconnect") return;
        log.error({ event: "stop_forced", reason });
        return exit(exitCodes.failed);
      }
      log.info({ event: "stopping", reason });
      deadline = setTimeout(() => {
        log.error({ event: "stop_deadline_exceeded", timeoutMs });
        exit(exitCodes.failed);
      }, timeoutMs);
      app.stop().then(
        () => {
          log.info({ event: "stopped" });
          exit(exitCodes.ok);
        },
        (err: unknown) => {
          log.error({ event: "stop_failed", err });
          exit(exitCodes.failed);
        },
      );
    },
  };
}

function giveUp(error: unknown, log: Logger, proc: ProcessLike): void {
  if (error instanceof ConfigError) {
    proc.stderr.write(`${error.message}\n`);
    return proc.exit(exitCodes.badConfig);
  }
  log.fatal({ event: "start_failed", err: error });
  if (error instanceof PortInUseError) {
    proc.stderr.write(`${error.message}\n`);
    return proc.exit(exitCodes.portInUse);
  }
  return proc.exit(exitCodes.failed);
}
