// npm run lock: brings package-lock.json up to date and adds what npm leaves out of it: optional packages for platforms
// other than this one, without which `npm ci` refuses the lock on some versions of npm.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const systems = ["android", "darwin", "freebsd", "linux", "openharmony", "win32", "netbsd", "openbsd", "sunos", "aix"];
const processors = ["wasm32", "arm64", "armv7", "arm", "x64", "ia32", "ppc64", "s390x", "riscv64", "loong64"];

const install = spawnSync("npm", ["install", "--no-audit", "--no-fund"], { stdio: "inherit" });
if (install.status !== 0) process.exit(1);

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
  Object.entries(entry.optionalDependencies ?? {})
    .filter(([name]) => !isLocked(path, name))
    .map(([name, range]) => [`node_modules/${name}`, platformEntry(name, range, entry.dev)]),
);
const all = [...Object.entries(lock.packages), ...missing];
lock.packages = Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${missing.length} packages for other platforms added`);

/** Looks for the package as Node does: beside the one that wants it, then one folder further out each time. */
function isLocked(path, name) {
  for (let at = path; ; at = at.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$|^(packages|services|tools)\/[^/]+$/, "")) {
    if (lock.packages[`${at === "" ? "" : `${at}/`}node_modules/${name}`]) return true;
    if (at === "") return false;
  }
}

/** What npm would have written on that platform, as far as the package's name tells. */
function platformEntry(name, range, dev) {
  const os = systems.find((system) => name.includes(system)) ?? (name.includes("windows") ? "win32" : undefined);
  const cpu = processors.find((processor) => name.includes(processor));
  if (os === undefined && cpu !== "wasm32") throw new Error(`${name} is optional, but for which platform?`);
  return {
    version: range.replace(/^[\^~]/, ""),
    ...(cpu === undefined ? {} : { cpu: [cpu === "armv7" ? "arm" : cpu] }),
    ...(dev ? { dev: true } : {}),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
    ...(name.includes("musl") ? { libc: ["musl"] } : os === "linux" && name.includes("gnu") ? { libc: ["glibc"] } : {}),
  };
}
