import { createTwilioSim } from "./app.ts";
import { usage } from "./command-line.ts";
import { ConfigError, DEFAULT_CONFIG } from "./config.ts";
import { loadConfig } from "./load-config.ts";
import { createLogger } from "./logger.ts";
import type { TwilioSim } from "./app.ts";
import type { SimConfig } from "./config.ts";
import type { Logger } from "./logger.ts";

const EXIT_FAILURE = 1;
/** sysexits.h: EX_UNAVAILABLE, the port is taken. */
const EXIT_UNAVAILABLE = 69;
/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;

/**
 * Runs the simulator as a process of its own: until SIGTERM or SIGINT or, when a parent started it with an IPC channel,
 * until the parent is gone. Says `started` with its port on stdout and to the parent.
 */
export async function runProcess(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  if (args.includes("--help")) {
    process.stdout.write(usage());
    return;
  }
  const config = loadOrExit(env, args);
  const log = createLogger(config.logLevel);
  const sim = createTwilioSim(config, { log });
  const { port } = await sim.start().catch((error: unknown) => exitWithoutPort(config, error));
  stopOnSignal(sim, config, log);
  log.info("started", { ports: { http: port }, use: hints(config, port) });
  process.send?.({ type: "started", ports: { http: port } });
}

function loadOrExit(env: NodeJS.ProcessEnv, args: readonly string[]): SimConfig {
  try {
    return loadConfig(env, args);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(error.faults.map((fault) => `${fault}\n`).join(""));
    process.exit(EXIT_CONFIG);
  }
}

function exitWithoutPort({ host, httpPort }: SimConfig, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  const why = code === "EADDRINUSE" ? "is in use; choose another with HTTP_PORT or --port" : `cannot be had (${code})`;
  process.stderr.write(`port ${httpPort} on ${host} ${why}\n`);
  process.exit(EXIT_UNAVAILABLE);
}

/** What to put into the environment of whoever is to talk to this simulator. Only built-in credentials are spelled out. */
function hints(config: SimConfig, port: number): Readonly<Record<string, string>> {
  return {
    TWILIO_API_BASE_URL: `http://${config.host === "0.0.0.0" ? "127.0.0.1" : config.host}:${port}`,
    TWILIO_ACCOUNT_SID: shown(config.accountSid, DEFAULT_CONFIG.accountSid, config.accountSid),
    TWILIO_AUTH_TOKEN: shown(config.authTokens, DEFAULT_CONFIG.authTokens, config.authTokens.join(",")),
    TWILIO_WHATSAPP_FROM: shown(config.senders, DEFAULT_CONFIG.senders, config.senders.join(",")),
  };
}

function shown<T>(value: T, builtIn: T, text: string): string {
  return value === builtIn ? text : "(as configured)";
}

/** The first signal stops in order; a second one, or the deadline, ends the process at once. */
function stopOnSignal(sim: TwilioSim, config: SimConfig, log: Logger): void {
  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) process.exit(EXIT_FAILURE);
    stopping = true;
    log.info("stopping", { why });
    setTimeout(() => process.exit(EXIT_FAILURE), config.shutdownTimeoutMs).unref();
    sim.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error("stop_failed", { error: String(error) });
        process.exit(EXIT_FAILURE);
      },
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
  // A parent that was interrupted together with us vanishes a moment later: that is no second signal.
  process.on("disconnect", () => stopping || stop("disconnect"));
}
