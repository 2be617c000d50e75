import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, createWriteStream, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { allowedEnvironment } from "../../../scripts/allowed-environment.mjs";
import { lastLines } from "./command.ts";
import { PortInUseError } from "./port.ts";
import { describeEnd, endProcess, whenEnded, type ProcessEnd } from "./process-end.ts";
import { CACHE_FOLDER, PROJECT_ROOT } from "./project.ts";
import type { Watchdog } from "./watchdog.ts";

/**
 * A container's memory limit tells V8 how much heap it may let grow; on a big machine nothing does, and a service that
 * needs 100 MB would take 400 before it cleans up.
 */
const MEMORY_FLAGS = ["--max-semi-space-size=16", "--max-old-space-size=256"];

const START_TIMEOUT_MS = 60_000;
/** What a service is given to finish what is in flight ... */
const SHUTDOWN_TIMEOUT_MS = 10_000;
/** ... and a little more until it is killed. */
export const STOP_GRACE_MS = 12_000;
const LINES_IN_ERROR = 20;
/** A service exits with it when a port it should listen on is taken. */
const EXIT_PORT_IN_USE = 69;

/** The ports a service listens on, as it reported them. */
export type Ports = Readonly<Record<string, number>>;

export interface ServiceSpec {
  name: string;
  /** Its main file, relative to the project (or absolute). */
  entry: string;
  /**
   * Its configuration. `port` is a random one below those of outgoing connections, for a port that others must know
   * and that stays the same over restarts. A service that finds it taken is started again with another.
   */
  env: (port: number) => Readonly<Record<string, string>>;
  logFile: string;
  watchdog: Watchdog;
  /** Called with every line it writes, besides the log file. */
  onLine?: ((line: string) => void) | undefined;
  /** Called when it ends although nobody asked it to. */
  onUnexpectedEnd?: ((reason: string) => void) | undefined;
}

/** A service that has reported its start. */
export interface Running {
  child: ChildProcess;
  ended: Promise<ProcessEnd>;
  ports: Ports;
  port: number;
  /** Set before we end it. */
  expected: boolean;
  over: boolean;
}

/**
 * Starts the service once, on this port. Throws PortInUseError if it finds a port taken, and with its last lines if it
 * does not start for any other reason.
 */
export async function launch(
  spec: ServiceSpec,
  port: number,
  extra: Readonly<Record<string, string>>,
): Promise<Running> {
  const child = spawnService(spec, {
    HOST: "127.0.0.1",
    ADMIN_PORT: "0",
    SHUTDOWN_TIMEOUT_MS: `${SHUTDOWN_TIMEOUT_MS}`,
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? join(CACHE_FOLDER, "compiled"),
    ...spec.env(port),
    ...extra,
  });
  // It stops by itself when the channel to us closes; a signal on top would end it at once.
  spec.watchdog.guard(child, { signal: null, graceMs: STOP_GRACE_MS });
  const ended = whenEnded(child);
  const outcome = await started(child, ended);
  if ("ports" in outcome) {
    const running: Running = { child, ended, ports: outcome.ports, port, expected: false, over: false };
    void ended.then((how) => {
      running.over = true;
      if (!running.expected) spec.onUnexpectedEnd?.(`${spec.name}: ${describeEnd(how)}; its log is ${spec.logFile}`);
    });
    return running;
  }
  await endProcess(child, ended, { signal: "SIGKILL", graceMs: 0 });
  const log = lastLines(await readFile(spec.logFile, "utf8").catch(() => ""), LINES_IN_ERROR);
  if (outcome.code === EXIT_PORT_IN_USE) throw new PortInUseError(`${spec.name} found a port in use\n${log}`);
  throw new Error(`${spec.name} did not start: ${outcome.why}. Its last lines (${spec.logFile}):\n${log}`);
}

function spawnService(spec: ServiceSpec, configuration: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(spec.logFile, "a");
  const output = spec.onLine === undefined ? log : "pipe";
  const child = spawn(process.execPath, [...MEMORY_FLAGS, resolve(PROJECT_ROOT, spec.entry)], {
    cwd: PROJECT_ROOT,
    env: allowedEnvironment(process.env, { set: configuration }),
    // Straight into the file: writing still works while it stops because we have vanished.
    stdio: ["ignore", output, output, "ipc"],
    // A process group of its own: a terminal's Ctrl-C reaches us, and we stop everything in order.
    detached: true,
  });
  closeSync(log);
  if (spec.onLine !== undefined) copyOutput(child, spec.logFile, spec.onLine);
  return child;
}

function copyOutput(child: ChildProcess, logFile: string, onLine: (line: string) => void): void {
  const log = createWriteStream(logFile, { flags: "a" }).on("error", () => {});
  for (const output of [child.stdout, child.stderr]) {
    if (output === null) continue;
    createInterface({ input: output }).on("line", (line) => {
      log.write(`${line}\n`);
      onLine(line);
    });
  }
  child.once("close", () => log.end());
}

type Outcome = { ports: Ports } | { why: string; code: number | null };

async function started(child: ChildProcess, ended: Promise<ProcessEnd>): Promise<Outcome> {
  const outcome = Promise.withResolvers<Outcome>();
  const onMessage = (message: unknown) => {
    if (isStarted(message)) outcome.resolve({ ports: message.ports });
  };
  child.on("message", onMessage);
  void ended.then((how) => outcome.resolve({ why: describeEnd(how), code: how.code }));
  const timer = setTimeout(
    () => outcome.resolve({ why: `no word from it after ${START_TIMEOUT_MS} ms`, code: null }),
    START_TIMEOUT_MS,
  );
  try {
    return await outcome.promise;
  } finally {
    clearTimeout(timer);
    child.removeListener("message", onMessage);
  }
}

function isStarted(message: unknown): message is { type: "started"; ports: Ports } {
  return typeof message === "object" && message !== null && "type" in message && message.type === "started";
}
