// `npm test` and its parts: starts the servers the chosen tests need, then jest, and passes on how it ended.
//
//   run-tests.ts [unit|integration|e2e]... [jest's arguments, for example a path or -t with a name]
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { allowedEnvironment, TERMINAL_VARIABLES, TEST_VARIABLES } from "../../../scripts/allowed-environment.mjs";
import { createClosers } from "./closers.ts";
import { endProcess, whenEnded } from "./process-end.ts";
import { PROJECT_ROOT } from "./project.ts";
import { resolveRedisBinary } from "./redis-binary.ts";
import { stopRequests, type StopRequest } from "./stop-request.ts";
import { startTestServers } from "./test-servers.ts";
import { startWatchdog } from "./watchdog.ts";

const KINDS = ["unit", "integration", "e2e"];
const JEST_GRACE_MS = 10_000;

const args = process.argv.slice(2);
const named = args.filter((arg) => KINDS.includes(arg));
const kinds = named.length > 0 ? named : KINDS;
const filter = args.filter((arg) => !KINDS.includes(arg) && arg !== "--");
const stop = stopRequests();
const closers = createClosers();

try {
  process.exitCode = await runJest(await testEnvironment());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await closers.close();
}
if (stop.aborted) process.exitCode = (stop.reason as StopRequest).exitCode;
process.exit();

/** An allow-list as for every program of ours, and the addresses of the servers for the tests that need them. */
async function testEnvironment(): Promise<Record<string, string>> {
  const set: Record<string, string> = {};
  // A test that starts a stack of its own finds Redis in place: tests download nothing.
  if (kinds.includes("e2e")) await resolveRedisBinary();
  if (kinds.includes("integration")) {
    const servers = await closers.track(startTestServers());
    set["TEST_DATABASE_URL"] = servers.databaseUrl;
    set["TEST_REDIS_URL"] = servers.redisUrl;
  }
  return allowedEnvironment(process.env, { also: [...TERMINAL_VARIABLES, ...TEST_VARIABLES], set });
}

async function runJest(env: Record<string, string>): Promise<number> {
  if (stop.aborted) return 1;
  const watchdog = startWatchdog();
  closers.add(() => watchdog.close());
  const jest = createRequire(join(PROJECT_ROOT, "package.json")).resolve("jest/bin/jest");
  const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, jest, ...filter, "--selectProjects", ...kinds], {
    cwd: PROJECT_ROOT,
    env,
    stdio: "inherit",
    // A process group of its own: jest's workers can be ended with it, even one that no longer listens.
    detached: true,
  });
  child.once("exit", () => killGroup(child.pid));
  watchdog.guard(child, { signal: "SIGTERM", graceMs: JEST_GRACE_MS });
  const ended = whenEnded(child);
  stop.addEventListener("abort", () => void endProcess(child, ended, { signal: "SIGTERM", graceMs: JEST_GRACE_MS }));
  return (await ended).code ?? 1;
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}
