// npm run check: everything that can be said about the tree without running it. Every step runs, the faults of all are
// shown, and the exit code tells whether there was one.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, "node_modules", ".bin", name);
const script = (name) => [process.execPath, join(root, "scripts", name)];

const steps = [
  ["lock file", ...script("check-lock.mjs")],
  ["proto lint", bin("buf"), "lint"],
  ["proto format", bin("buf"), "format", "--diff", "--exit-code", "--path", "proto/whatsapphub"],
  ["proto compatibility", bin("buf"), "breaking", "--against", "proto/baseline.binpb"],
  ["generated files", ...script("generate.mjs"), "--check"],
  ["docs", ...script("check-docs.mjs")],
  ["types", bin("tsc"), "--noEmit"],
  ["lint", bin("oxlint"), "--type-aware", "--deny-warnings"],
  ["format", bin("oxfmt"), "--check"],
  ["shelf rule", ...script("check-shelves.mjs")],
];

let failed = 0;
for (const [title, command, ...args] of steps) {
  const startedAt = Date.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  const ok = status === 0;
  if (!ok) failed++;
  console.log(`${ok ? "ok  " : "FAIL"} ${title} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  if (!ok) console.log([error?.message, stdout, stderr].filter(Boolean).join("\n"));
}
console.log(failed === 0 ? "All checks passed." : `${failed} of ${steps.length} checks failed.`);
process.exitCode = failed === 0 ? 0 : 1;
