// npm run generate: writes what is derived from something else. With --check nothing is left changed, and a difference
// is a fault: somebody changed a source without running npm run generate, or a generated file by hand.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const check = process.argv.includes("--check");
const derived = [
  "packages/proto/src/gen",
  "proto/buf/validate/validate.proto",
  "docs/api.md",
  "docs/config.md",
  ".env.example",
  "docs/database.md",
];

const before = check ? keepCopies() : undefined;
run(process.execPath, "scripts/emit-validate-proto.mjs", "proto/buf/validate/validate.proto");
run(join("node_modules", ".bin", "buf"), "generate");
run(process.execPath, "scripts/write-api-docs.mjs", "docs/api.md");
run(process.execPath, "scripts/write-config-docs.mjs", "docs/config.md");
run(process.execPath, "scripts/write-env-example.mjs", ".env.example");
run(process.execPath, "scripts/write-database-docs.mjs", "docs/database.md");
if (before) {
  const changed = derived.flatMap((path) => differences(path, join(before, path)));
  restore(before);
  for (const file of changed) console.error(`${file} is not what its source says; run npm run generate`);
  process.exitCode = changed.length === 0 ? 0 : 1;
}

function run(command, ...args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return;
  console.error(error?.message ?? stderr);
  if (before) restore(before);
  process.exit(1);
}

function keepCopies() {
  const folder = mkdtempSync(join(tmpdir(), "wahub-generated-"));
  for (const path of derived) cpSync(path, join(folder, path), { recursive: true });
  return folder;
}

function restore(folder) {
  for (const path of derived) {
    rmSync(path, { recursive: true, force: true });
    cpSync(join(folder, path), path, { recursive: true });
  }
  rmSync(folder, { recursive: true });
}

/** Files that stand on one side only, or differ. */
function differences(now, then) {
  const files = new Set([...filesBelow(now), ...filesBelow(then)]);
  return [...files].filter((file) => contents(join(now, file)) !== contents(join(then, file))).map((f) => join(now, f));
}

function filesBelow(path) {
  return globSync("**/*.*", { cwd: path }).concat(contents(path) === undefined ? [] : [""]);
}

function contents(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
