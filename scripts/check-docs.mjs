// The pages tell the truth about what can be looked up: every relative link leads somewhere, anchors included; every path
// of this repository that is named in code exists; every npm script that is named is one.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { anchorsOf, codeWordsOf, linksOf } from "./markdown.mjs";

const outside = new Set(["node_modules", ".git", ".cache", ".data", "dist", "coverage"]);
const files = globSync("**/*", { exclude: (path) => outside.has(path.split("/").at(-1)) });
const shelves = new Set(files.filter((path) => path.includes("/")).map((path) => path.split("/")[0]));
/** Names of which a file of ours is recognized where only its end is given: `intake.ts`, `limits/README.md`. */
const fileName = /^[\w@.-]+(\/[\w@.-]+)*\.(ts|mts|mjs|md|proto|json|lua|ya?ml|csv|binpb)$/;

const pages = new Map(
  globSync("{**/*.md,.github/**/*.md}", { exclude: (path) => outside.has(path.split("/").at(-1)) }).map((path) => [
    path,
    readFileSync(path, "utf8"),
  ]),
);
const faults = [];

for (const [path, page] of pages) {
  const report = (line, text) => faults.push(`${path}:${line}: ${text}`);
  for (const { target, line } of linksOf(page)) {
    const fault = linkFault(path, target);
    if (fault) report(line, fault);
  }
  for (const { word, line, fence } of codeWordsOf(page)) {
    for (const named of expandBraces(word.replace(/[.,:;]+$/, ""))) {
      if (isPath(named, fence) && !exists(named, dirname(path))) report(line, `there is no ${named}`);
    }
  }
  for (const [text, name] of page.matchAll(/\bnpm (?:run )?(start|test|(?<=run )[a-z][\w:-]*)/g)) {
    if (!hasScript(path, name)) report(lineOf(page, text), `package.json has no script ${name}`);
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function linkFault(path, target) {
  if (/^[a-z]+:/i.test(target)) return undefined;
  const [file, anchor] = target.split("#", 2);
  const wanted = file === "" ? path : join(dirname(path), decodeURI(file));
  if (!existsSync(wanted)) return `the link leads nowhere: ${target}`;
  if (anchor === undefined || !pages.has(wanted)) return undefined;
  return anchorsOf(pages.get(wanted)).has(anchor) ? undefined : `${wanted} has no heading for #${anchor}`;
}

/** Whether the word wants to be a path of this repository. In blocks of code only those that begin at its root count. */
function isPath(word, fence) {
  if (/^[./-]|\.\.|[${}|\\]/.test(word)) return false;
  const [first, ...rest] = word.split("/");
  if (shelves.has(first) && rest.length > 0) return true;
  return !fence && fileName.test(word);
}

/** As a path from the root or beside the page, a pattern, the end of some path, or the beginning of a file's name. */
function exists(word, folder) {
  const path = word.replace(/\/$/, "").replace(/<[^>]*>/g, "*");
  if (path.includes("*")) return globSync(path).length > 0;
  if (existsSync(path) || existsSync(join(folder, path))) return true;
  return files.some((file) => file.endsWith(`/${path}`) || file.startsWith(`${path}.`));
}

/** `a/{b,c}.ts` is two paths. */
function expandBraces(word) {
  const [whole, before, inner, after] = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/.exec(word) ?? [];
  if (whole === undefined) return [word];
  return inner.split(",").flatMap((part) => expandBraces(`${before}${part}${after}`));
}

/** In the page's own folder or further out. */
function hasScript(page, name) {
  for (let folder = dirname(page); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && name in (JSON.parse(readFileSync(manifest, "utf8")).scripts ?? {})) return true;
    if (folder === ".") return false;
  }
}

function lineOf(page, text) {
  return page.slice(0, page.indexOf(text)).split("\n").length;
}
