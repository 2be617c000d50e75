// The lock must work for `npm ci` on every platform and name no registry: every package that another one wants is in it
// (optional ones for other platforms included), pinned by hash, without a download address.
import { readFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const faults = [];

for (const [path, entry] of Object.entries(lock.packages)) {
  if (entry.resolved !== undefined && !entry.link) faults.push(`${path}: carries a download address`);
  const wanted = { ...entry.dependencies, ...entry.optionalDependencies };
  for (const name of Object.keys(wanted)) {
    if (!isLocked(path, name)) faults.push(`${path || "the project"}: ${name} is missing; run npm run lock`);
  }
}
for (const file of ["package.json", ...workspaces().map((path) => `${path}/package.json`)]) {
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  for (const [name, range] of Object.entries(all)) {
    if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(range))
      faults.push(`${file}: ${name} is not pinned to one version: ${range}`);
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

/** Looks for the package as Node does: beside the one that wants it, then one folder further out each time. */
function isLocked(path, name) {
  for (let at = path; ; at = at.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$|\/?[^/]+$/, "")) {
    if (lock.packages[`${at ? `${at}/` : ""}node_modules/${name}`]) return true;
    if (at === "") return false;
  }
}

function workspaces() {
  return Object.keys(lock.packages).filter((path) => /^(packages|services|tools)\/[^/]+$/.test(path));
}
