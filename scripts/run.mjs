// Starts a program of this project the same way everywhere: dependencies first, then Node 24 with the given file.
//
//   node scripts/run.mjs [--inherit-env] <file> [arguments]
//
// The program starts from a short list of environment variables, so that nothing on the machine changes what the demo
// or the tests do. --inherit-env passes everything on, for programs that are configured by the environment.
// Built-ins only and valid on Node 20: this file runs before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { allowedEnvironment, DOWNLOAD_VARIABLES, TERMINAL_VARIABLES, TEST_VARIABLES } from "./allowed-environment.mjs";
import { ensureDependencies } from "./dependencies.mjs";

const NODE_MAJOR = 24;
const NPM_CHECK_MS = 1_000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [inherit, entry, ...args] =
  process.argv[2] === "--inherit-env" ? [true, ...process.argv.slice(3)] : [false, ...process.argv.slice(2)];

try {
  if (entry === undefined) throw new Error("usage: node scripts/run.mjs [--inherit-env] <file> [arguments]");
  await ensureDependencies(root);
  run(findNode());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** The Node this project brings along on Linux x64; elsewhere the one that runs this file, if it is new enough. */
function findNode() {
  const bundled = join(root, "node_modules", ".bin", "node");
  if (existsSync(bundled) && majorOf(bundled) >= NODE_MAJOR) return bundled;
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR) return process.execPath;
  throw new Error(
    `This project runs on Node >= ${NODE_MAJOR}; this is Node ${process.versions.node} on ${process.platform} ${process.arch}. ` +
      `On Linux x64 the project brings its own Node along; here, please install Node >= ${NODE_MAJOR} (https://nodejs.org) and run the command again.`,
  );
}

function majorOf(node) {
  const answer = spawnSync(node, ["--version"], { encoding: "utf8", env: allowedEnvironment(process.env) });
  return answer.status === 0 ? Number.parseInt(answer.stdout.replace("v", ""), 10) : 0;
}

function run(node) {
  const child = spawn(node, [resolve(root, entry), ...args], {
    // The channel tells the program when this process has vanished, even by SIGKILL.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: inherit
      ? process.env
      : allowedEnvironment(process.env, { also: [...TERMINAL_VARIABLES, ...DOWNLOAD_VARIABLES, ...TEST_VARIABLES] }),
  });
  const forward = (signal) => child.kill(signal);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, forward);
  if (process.env.npm_lifecycle_event !== undefined) stopWhenNpmVanishes(child);

  child.on("error", (error) => {
    console.error(`${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    for (const name of signals) process.removeListener(name, forward);
    if (child.connected) child.disconnect();
    if (signal !== null) process.kill(process.pid, signal);
    process.exitCode = code ?? 1;
  });
}

/** npm passes SIGINT and SIGTERM on, but when npm itself is killed nobody tells us; its shell stays and waits. */
function stopWhenNpmVanishes(child) {
  const npm = parentOf(process.ppid);
  const check = setInterval(() => {
    if (parentOf(process.ppid) === npm) return;
    clearInterval(check);
    child.kill("SIGTERM");
  }, NPM_CHECK_MS);
  check.unref();
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  } catch {
    // No /proc on this system, or the process is gone.
    return `${pid}`;
  }
}
