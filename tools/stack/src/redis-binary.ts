import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { allowedEnvironment } from "../../../scripts/allowed-environment.mjs";
import { withFileLock } from "../../../scripts/file-lock.mjs";
import { downloadProgram, hasApt } from "./apt-download.ts";
import { runCommand } from "./command.ts";
import { CACHE_FOLDER } from "./project.ts";
import { isAtLeast, OLDEST_REDIS, parseRedisVersion, type RedisVersion } from "./redis-version.ts";

const PROGRAMS = ["redis-server", "valkey-server"];
/** Debian keeps the program itself in the tools package; the server package links to it. */
const PACKAGES = [
  { packages: ["redis-server", "redis-tools"], program: "usr/bin/redis-server" },
  { packages: ["valkey-server", "valkey-tools"], program: "usr/bin/valkey-server" },
];
const WANTED = OLDEST_REDIS.join(".");

export interface RedisBinary {
  command: string;
  version: RedisVersion;
  /** What it needs to find its libraries. */
  env: Readonly<Record<string, string>>;
}

export interface RedisSources {
  cacheFolder?: string;
  environment?: Readonly<Record<string, string | undefined>>;
  log?: (line: string) => void;
}

/**
 * A Redis or Valkey server that is new enough: from PATH; else from an earlier download; else, on Debian and Ubuntu,
 * from the package archive the machine is set up with, unpacked into the cache folder of the project. Nothing is
 * installed on the system. Throws a message with the ways out where none of it works.
 */
export async function resolveRedisBinary(sources: RedisSources = {}): Promise<RedisBinary> {
  const { cacheFolder = join(CACHE_FOLDER, "redis"), environment = process.env, log = console.error } = sources;
  const problems: string[] = [];
  const onPath = await findOnPath(allowedEnvironment(environment)["PATH"] ?? "", problems);
  if (onPath !== undefined) return onPath;
  const folder = join(cacheFolder, await systemName());
  const cached = await readDownload(folder);
  if (cached !== undefined) return cached;
  if (!(await hasApt(environment))) throw new Error(waysOut(problems));
  const onWait = () => log("Another run is downloading Redis; waiting for it.");
  const downloadOnce = async () => {
    const byAnother = await readDownload(folder);
    if (byAnother !== undefined) return byAnother;
    log("No Redis on this machine: unpacking one from the system's package archive (nothing is installed) ...");
    const downloaded = await download(folder, environment, problems);
    if (downloaded === undefined) throw new Error(waysOut(problems));
    return downloaded;
  };
  return withFileLock(`${folder}.lock`, downloadOnce, { onWait });
}

async function findOnPath(path: string, problems: string[]): Promise<RedisBinary | undefined> {
  for (const name of PROGRAMS) {
    const version = await versionOf(name, { PATH: path });
    if (version === undefined) continue;
    if (isAtLeast(version, OLDEST_REDIS)) {
      // The absolute path: the server is started with a PATH of its own.
      const command = await runCommand("/bin/sh", ["-c", `command -v ${name}`], { env: { PATH: path } });
      return { command: command.trim(), version, env: {} };
    }
    problems.push(`${name} ${version.join(".")} is older than ${WANTED}`);
  }
  return undefined;
}

/** With the package lists of the machine; where those are missing or out of date, with fresh ones. */
async function download(
  folder: string,
  environment: NonNullable<RedisSources["environment"]>,
  problems: string[],
): Promise<RedisBinary | undefined> {
  for (const lists of ["system", "own"] as const) {
    for (const { packages, program } of PACKAGES) {
      const making = `${folder}.${randomUUID()}`;
      try {
        await mkdir(making, { recursive: true });
        const { libraries } = await downloadProgram({ packages, program, folder: making, lists, environment });
        await writeFile(join(making, "download.json"), JSON.stringify({ program, libraries }));
        if ((await readDownload(making)) === undefined)
          throw new Error(`${program} does not run or is older than ${WANTED}`);
        await rm(folder, { recursive: true, force: true });
        await rename(making, folder);
        return await readDownload(folder);
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
        await rm(making, { recursive: true, force: true });
      }
    }
  }
  return undefined;
}

/** The program in `folder`, if it is complete, runs on this machine and is new enough. */
async function readDownload(folder: string): Promise<RedisBinary | undefined> {
  const text = await readFile(join(folder, "download.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { program, libraries } = JSON.parse(text) as { program: string; libraries: string[] };
  const command = join(folder, program);
  const env = { LD_LIBRARY_PATH: libraries.map((library) => join(folder, library)).join(":") };
  const version = await versionOf(command, env);
  return version !== undefined && isAtLeast(version, OLDEST_REDIS) ? { command, version, env } : undefined;
}

async function versionOf(command: string, env: Readonly<Record<string, string>>): Promise<RedisVersion | undefined> {
  const answer = await runCommand(command, ["--version"], { env, timeoutMs: 10_000 }).catch(() => undefined);
  return answer === undefined ? undefined : parseRedisVersion(answer);
}

/** A clone may be shared by machines with different libraries. */
async function systemName(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]*)`, "m").exec(release)?.[1] ?? "";
  return [field("ID") || process.platform, field("VERSION_ID"), process.arch].filter((part) => part !== "").join("-");
}

function waysOut(problems: readonly string[]): string {
  const install = process.platform === "darwin" ? "brew install redis" : "sudo apt-get install redis-server";
  return [
    `Redis or Valkey >= ${WANTED} is needed, and none was found on PATH.`,
    ...[...new Set(problems)].map((problem) => `  ${problem.replaceAll("\n", "\n  ")}`),
    `Install it (${install}; elsewhere the package is called redis or valkey) and run the command again.`,
    "To run the services by yourself instead, set REDIS_URL to a server you have.",
  ].join("\n");
}
