import { access, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { allowedEnvironment, DOWNLOAD_VARIABLES } from "../../../scripts/allowed-environment.mjs";
import { lastLines, runCommand } from "./command.ts";

const DOWNLOAD_TIMEOUT_MS = 180_000;
/** Libraries of libraries of libraries: no program needs more rounds. */
const MAX_ROUNDS = 5;

/** The machine's sources and keys stay in force; what its administrator runs after an update is not ours to run. */
const CONFIGURATION = `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
`;

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProgramToDownload {
  packages: readonly string[];
  /** Path of the program inside the packages. */
  program: string;
  /** An empty folder; the packages are unpacked into it. */
  folder: string;
  /** Where PATH and proxies come from; nothing else of it is used. */
  environment: Environment;
  /** "system": the package lists the machine has. "own": fresh lists, fetched into `folder` and dropped again. */
  lists: "system" | "own";
}

/** Are the tools of Debian and Ubuntu there? */
export async function hasApt(environment: Environment): Promise<boolean> {
  const tools = ["apt-get", "dpkg-deb", "dpkg-query", "ldd"];
  const answers = tools.map((tool) => runCommand(tool, ["--version"], { env: aptEnvironment(environment) }));
  return (await Promise.allSettled(answers)).every(({ status }) => status === "fulfilled");
}

/**
 * Downloads the packages and those libraries that the program lacks on this machine, and unpacks them. Needs no root
 * and writes nowhere but into `folder`. Returns the folders with libraries, relative to `folder`.
 */
export async function downloadProgram(wanted: ProgramToDownload): Promise<{ libraries: string[] }> {
  const { program, folder } = wanted;
  const archive = await openArchive(wanted);
  const had = new Set<string>();
  let next: readonly string[] = wanted.packages;
  let libraries: string[] = [];
  let missing: string[] = [];
  for (let round = 1; next.length > 0 && round <= MAX_ROUNDS; round += 1) {
    await archive.unpack(next);
    for (const name of next) had.add(name);
    libraries = await findLibraries(folder);
    missing = await archive.missingLibraries(join(folder, program), libraries);
    if (missing.length === 0) break;
    next = (await archive.librariesNeededBy(next)).filter((name) => !had.has(name));
  }
  if (missing.length > 0) throw new Error(`${wanted.packages[0]}: no package found for ${missing.join(", ")}`);
  await archive.close();
  return { libraries };
}

/** The package archive of this machine, with private folders for whatever apt writes. */
async function openArchive({ folder, lists, environment }: ProgramToDownload) {
  const work = join(folder, "apt");
  const debs = join(work, "debs");
  for (const path of ["cache/archives/partial", "state/lists/partial", "debs"]) {
    await mkdir(join(work, path), { recursive: true });
  }
  await writeFile(join(work, "apt.conf"), CONFIGURATION);
  const options = ["-c", join(work, "apt.conf"), "-o", `Dir::Cache=${join(work, "cache")}`];
  if (lists === "own") {
    options.push("-o", `Dir::State=${join(work, "state")}`, "-o", `Dir::State::Lists=${join(work, "state", "lists")}`);
  }
  // As root apt would hand downloads to its user _apt, who cannot reach a closed folder.
  if (process.getuid?.() === 0) options.push("-o", "APT::Sandbox::User=root");

  const env = aptEnvironment(environment);
  const run = (command: string, args: readonly string[], cwd = work) =>
    runCommand(command, args, { env, cwd, timeoutMs: DOWNLOAD_TIMEOUT_MS }).catch((error: unknown) => {
      throw new Error(lastLines(error instanceof Error ? error.message : String(error), 3), { cause: error });
    });
  // A source that cannot be reached makes it fail; the others may still have what is needed.
  if (lists === "own") await run("apt-get", ["update", "-qq", ...options]).catch(() => {});

  return {
    async unpack(names: readonly string[]): Promise<void> {
      await run("apt-get", ["download", "-qq", ...options, ...names], debs);
      for (const file of await readdir(debs)) {
        await run("dpkg-deb", ["-x", join(debs, file), folder]);
        await rm(join(debs, file));
      }
    },
    /** Libraries the packages depend on that are not installed. */
    async librariesNeededBy(names: readonly string[]): Promise<string[]> {
      const answer = await run("apt-cache", ["depends", ...options, ...names]);
      const depends = answer.matchAll(/^\s*\|?(?:Pre)?Depends:\s+(lib[^\s<:]+)/gm);
      const list = await run("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n"]);
      const installed = new Set(Array.from(list.matchAll(/^(\S+) installed$/gm), ([, name]) => name ?? ""));
      return [...new Set(Array.from(depends, ([, name]) => name ?? ""))].filter((name) => !installed.has(name));
    },
    async missingLibraries(program: string, libraries: readonly string[]): Promise<string[]> {
      await access(program);
      const paths = libraries.map((path) => join(folder, path)).join(":");
      const answer = await runCommand("ldd", [program], { env: { ...env, LD_LIBRARY_PATH: paths } });
      return Array.from(answer.matchAll(/^\s*(\S+) => not found/gm), ([, name]) => name ?? "");
    },
    close: () => rm(work, { recursive: true, force: true }),
  };
}

/** Folders with shared libraries, relative to `folder`. */
async function findLibraries(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const libraries = entries.filter(({ name }) => /\.so(\.|$)/.test(name));
  return [...new Set(libraries.map((entry) => relative(folder, entry.parentPath)))];
}

function aptEnvironment(environment: Environment): Record<string, string> {
  return allowedEnvironment(environment, { also: DOWNLOAD_VARIABLES, set: { LC_ALL: "C" } });
}
