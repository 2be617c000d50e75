// Makes node_modules match package-lock.json before anything else runs. Built-ins only, valid on Node 20.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { withFileLock } from "./file-lock.mjs";

/**
 * Runs `npm ci` unless node_modules is known to hold what the lock says. Two runs at once install once: the second
 * one waits. Throws when npm fails.
 */
export async function ensureDependencies(root) {
  const stamp = join(root, "node_modules", ".wahub-lock-sha256");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (read(stamp) === wanted) return;
  await withFileLock(
    join(root, ".cache", "install.lock"),
    async () => {
      if (read(stamp) === wanted) return;
      if (!matchesLock(root)) {
        rmSync(stamp, { force: true });
        await npmCi(root);
      }
      writeFileSync(stamp, wanted);
    },
    { onWait: () => console.error("Another run is installing the dependencies; waiting for it.") },
  );
}

/**
 * True where npm's own record of its last install has every package of the lock in the same version: somebody ran
 * `npm ci` by hand. Packages for other platforms are the only ones that may be missing.
 */
function matchesLock(root) {
  const lock = JSON.parse(read(join(root, "package-lock.json")) ?? "{}").packages ?? {};
  const installed = JSON.parse(read(join(root, "node_modules", ".package-lock.json")) ?? "{}").packages ?? {};
  return Object.entries(lock).every(([path, wanted]) => {
    if (path === "") return true;
    const found = installed[path];
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity && found.link === wanted.link;
  });
}

function npmCi(root) {
  // --include: an outside NODE_ENV=production or omit setting must not leave out what tests and the demo need.
  const args = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const script = process.env.npm_execpath;
  const [command, prefix] =
    script !== undefined && basename(script) === "npm-cli.js"
      ? [process.env.npm_node_execpath ?? process.execPath, [script]]
      : ["npm", []];
  console.error("Installing the dependencies (npm ci) ...");
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...prefix, ...args], { cwd: root, stdio: ["ignore", 2, 2] });
    const stop = (signal) => child.kill(signal);
    process.once("SIGINT", stop).once("SIGTERM", stop);
    child.on("error", (error) => reject(new Error(`npm could not be started: ${error.message}`)));
    child.on("exit", (code, signal) => {
      process.removeListener("SIGINT", stop).removeListener("SIGTERM", stop);
      if (code === 0) resolve();
      else reject(new Error(`npm ci failed (${signal ?? `exit code ${code}`}); its messages are above.`));
    });
  });
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
