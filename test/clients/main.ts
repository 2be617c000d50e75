// `npm run clients`: runs docs/calling.md against a stack of its own, with the clients this machine has, and compares
// every answer with the one the page shows. What a client needs is fetched into .cache/clients; where that cannot be,
// it says so and goes on.
//
//   npm run clients                      all sections
//   npm run clients -- grpcurl python    those whose title has one of the words
//   npm run clients -- --strict          what is missing on this machine is a failure
//   npm run clients -- --write           no run: puts the example programs as they are now into the page
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startStack, type Stack } from "@wahub/stack";
import { PROJECT_ROOT } from "../../tools/stack/src/project.ts";
import { stopRequests } from "../../tools/stack/src/stop-request.ts";
import { readSections, withFiles } from "./page.ts";
import { type Outcome, runSection, type Shell } from "./run-section.ts";

const { values: flags, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { strict: { type: "boolean", default: false }, write: { type: "boolean", default: false } },
});
const pageFile = join(PROJECT_ROOT, "docs", "calling.md");
const signal = stopRequests();
let starting: Promise<Stack> | undefined;

try {
  const page = readFileSync(pageFile, "utf8");
  if (flags.write)
    writeFileSync(
      pageFile,
      withFiles(page, (path) => readFileSync(join(PROJECT_ROOT, path), "utf8")),
    );
  else process.exitCode = await runPage(page);
} catch (error) {
  console.error(signal.aborted ? signal.reason : error);
  process.exitCode = 1;
} finally {
  await (await starting?.catch(() => undefined))?.stop();
}
process.exit();

/** Returns the exit code. */
async function runPage(page: string): Promise<number> {
  const sections = readSections(page).filter(
    ({ title }) => words.length === 0 || words.some((word) => title.toLowerCase().includes(word.toLowerCase())),
  );
  if (sections.length === 0) throw new Error(`docs/calling.md has no section with ${words.join(" or ")} in its title`);
  starting = startStack();
  const shell = shellFor(await starting);
  const count = { ok: 0, skipped: 0, failed: 0 };
  for (const section of sections) {
    const startedAt = performance.now();
    const outcome = await runSection(section, shell);
    signal.throwIfAborted();
    count[outcome.kind]++;
    console.log(`${lineFor(outcome, section.title)} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`);
  }
  console.log(`\n${count.ok} sections as the page shows, ${count.failed} not, ${count.skipped} not tried.`);
  return count.failed > 0 || (flags.strict && count.skipped > 0) ? 1 : 0;
}

function lineFor(outcome: Outcome, title: string): string {
  switch (outcome.kind) {
    case "ok":
      return `ok    ${title}: ${outcome.commands} block${outcome.commands === 1 ? "" : "s"}`;
    case "skipped":
      return `SKIP  ${title}: ${outcome.why}`;
    case "failed":
      return `FAIL  ${title}: ${outcome.why}`;
  }
}

/** What the page's first block sets, for this stack. */
function shellFor(stack: Stack): Shell {
  // As on the page, and so that clients have to cope with a name that may also mean an IPv6 address.
  const here = (address: string): string => address.replace("127.0.0.1", "localhost");
  const bin = ["node_modules/.bin", ".cache/clients/bin"].map((folder) => join(PROJECT_ROOT, folder));
  return {
    cwd: PROJECT_ROOT,
    signal,
    env: {
      ...process.env,
      PATH: [...bin, process.env["PATH"]].join(":"),
      HUB_KEY: stack.apiKey,
      HUB_URL: here(stack.urls.gateway),
      DISPATCH: here(stack.urls.dispatchGrpc),
      STATUS_QUERY: here(stack.urls.statusQueryGrpc),
    },
  };
}
