// The shelf rule: who may import whom. Also that a package declares what it imports, so that each can be read, built and
// deployed by itself.
//
//   proto <- domain <- {platform, store, queue, limits, spool, twilio} <- services/*
//
// The kits are siblings and do not import each other; services do not import each other. The simulator imports nothing
// of ours, so it cannot share our mistakes. tools/stack and test may import anything.
import { globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";

const kits = ["platform", "store", "queue", "limits", "spool", "twilio"];
const allowed = {
  "packages/proto": [],
  "packages/domain": ["proto"],
  ...Object.fromEntries(kits.map((kit) => [`packages/${kit}`, ["proto", "domain"]])),
  "services/*": ["proto", "domain", ...kits],
  "tools/twilio-sim": [],
};
/** In tests a package may use these besides. */
const testOnly = { "tools/twilio-sim": ["twilio"] };

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^"';]*?from\s*"([^"]+)"|(?:^|\n)\s*import\s*"([^"]+)"|\bimport\("([^"]+)"\)/g;
const faults = [];

for (const file of globSync("{packages,services,tools}/*/src/**/*.ts")) {
  if (file.includes("/gen/")) continue;
  const [shelf, name] = file.split("/");
  const room = `${shelf}/${name}`;
  const rule = allowed[room] ?? allowed[`${shelf}/*`];
  const isTest = /\.test\.ts$|\/testing\//.test(file);
  const manifest = JSON.parse(readFileSync(`${room}/package.json`, "utf8"));
  const declared = new Set([...Object.keys(manifest.dependencies ?? {}), manifest.name]);
  for (const specifier of importsOf(file)) {
    if (specifier.startsWith(".")) {
      if (escapesRoom(file, specifier, room)) faults.push(`${file}: reaches out of its package: ${specifier}`);
      continue;
    }
    const target = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0];
    if (specifier.startsWith("node:") || builtinModules.includes(specifier)) continue;
    if (target.startsWith("@wahub/")) {
      const shelfName = target.slice("@wahub/".length);
      if (rule && !rule.includes(shelfName) && target !== manifest.name)
        faults.push(`${file}: ${room} must not import ${target}`);
    }
    if (declared.has(target) || (isTest && (target === "@jest/globals" || isAllowedInTests(room, target)))) continue;
    faults.push(`${file}: imports ${target}, which ${room}/package.json does not declare`);
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function importsOf(file) {
  return [...readFileSync(file, "utf8").matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? match[3]);
}

function escapesRoom(file, specifier, room) {
  const path = new URL(specifier, `file:///${file}`).pathname.slice(1);
  return !path.startsWith(`${room}/`) && !(room === "tools/stack" && path.startsWith("scripts/"));
}

/** What only tests use is declared once, in the root's devDependencies, or allowed above by name. */
function isAllowedInTests(room, target) {
  const root = JSON.parse(readFileSync("package.json", "utf8"));
  return target in root.devDependencies || (testOnly[room] ?? []).includes(target);
}
