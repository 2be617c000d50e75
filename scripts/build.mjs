// npm run build: the services as plain JavaScript in dist/, laid out as the sources are, so that dist/ with a node_modules
// beside it is all that runs in the image. Development needs none of it: Node runs the sources themselves.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const out = "dist";

rmSync(out, { recursive: true, force: true });
const compiler = spawnSync(join("node_modules", ".bin", "tsc"), ["-p", "tsconfig.build.json"], { stdio: "inherit" });
if (compiler.status !== 0) process.exit(1);

// What the code reads from beside itself.
for (const asset of globSync("{packages,services}/*/src/**/*.lua")) copy(asset);
for (const entry of globSync("image/*.mjs")) copy(entry);
for (const path of globSync("{packages,services}/*/package.json").concat("tools/twilio-sim/package.json")) {
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  write(path, { ...manifest, exports: compiledExports(manifest.exports), devDependencies: undefined });
}

/** Each door leads to the compiled file; those that only tests use are closed. */
function compiledExports(exports) {
  const open = Object.entries(exports).filter(([door]) => door !== "./testing");
  return Object.fromEntries(open.map(([door, file]) => [door, file.replace(/\.ts$/, ".js")]));
}

function copy(path) {
  mkdirSync(dirname(join(out, path)), { recursive: true });
  cpSync(path, join(out, path));
}

function write(path, manifest) {
  writeFileSync(join(out, path), `${JSON.stringify(manifest, null, 2)}\n`);
}
