import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { onFreePort, PortInUseError } from "./port.ts";
import { describeEnd, endProcess, whenEnded, type ProcessEnd } from "./process-end.ts";
import type { Watchdog } from "./watchdog.ts";

const START_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 10_000;
const LINES_IN_ERROR = 12;
const PORT_IN_USE = /Address already in use/i;

export interface ServerProcess {
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  /** Resolves when the process has ended; safe to call more than once. */
  stop(): Promise<void>;
}

export interface ServerSpec {
  name: string;
  command: string;
  args: (port: number) => string[];
  /** Written to its standard input, which is then closed. */
  input?: (port: number) => string;
  env: Readonly<Record<string, string>>;
  cwd: string;
  user?: { uid: number; gid: number } | undefined;
  /** The line it prints when it takes connections. */
  ready: RegExp;
  stopSignal: NodeJS.Signals;
  logFile: string;
}

/**
 * Starts a server on `port`, or on a free random one, and resolves when it takes connections. It has a process group of
 * its own, so that a terminal's Ctrl-C reaches us first, and the watchdog ends it when we vanish.
 */
export function startServer(spec: ServerSpec, watchdog: Watchdog, port?: number): Promise<ServerProcess> {
  return port === undefined ? onFreePort((free) => startOn(free, spec, watchdog)) : startOn(port, spec, watchdog);
}

async function startOn(port: number, spec: ServerSpec, watchdog: Watchdog): Promise<ServerProcess> {
  const child = spawn(spec.command, spec.args(port), {
    cwd: spec.cwd,
    env: spec.env,
    stdio: "pipe",
    detached: true,
    ...spec.user,
  });
  const stop = { signal: spec.stopSignal, graceMs: STOP_GRACE_MS };
  watchdog.guard(child, stop);
  const ended = whenEnded(child);
  child.stdin.on("error", () => {});
  child.stdin.end(spec.input?.(port) ?? "");

  // A server runs as well without its log.
  const log = createWriteStream(spec.logFile, { flags: "a" }).on("error", () => {});
  const lines: string[] = [];
  const ready = new Promise<void>((resolve) => {
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on("line", (line) => {
        log.write(`${line}\n`);
        if (lines.push(line) > LINES_IN_ERROR) lines.shift();
        if (spec.ready.test(line)) resolve();
      });
    }
  });
  // "close" comes after the last line, "exit" may come before it.
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  void closed.then(() => log.end());

  const timeout = Promise.withResolvers<"timeout">();
  const timer = setTimeout(() => timeout.resolve("timeout"), START_TIMEOUT_MS);
  const outcome = await Promise.race([ready.then(() => "ready" as const), closed.then(() => ended), timeout.promise]);
  clearTimeout(timer);
  if (outcome === "ready") {
    return { port, pid: child.pid ?? 0, ended, stop: async () => void (await endProcess(child, ended, stop)) };
  }
  if (outcome === "timeout") await endProcess(child, ended, { signal: "SIGKILL", graceMs: 0 });
  if (lines.some((line) => PORT_IN_USE.test(line))) throw new PortInUseError(`port ${port} is in use`);
  const why = outcome === "timeout" ? `not ready after ${START_TIMEOUT_MS} ms` : describeEnd(outcome);
  throw new Error(`${spec.name} did not start: ${why}\n${lines.join("\n")}`);
}
