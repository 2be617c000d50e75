import { randomBytes } from "node:crypto";
import { chown, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { canUserReach, type OsUser } from "./os-user.ts";
import { makePrivateFolder, temporaryFolders } from "./temporary-folder.ts";
import type { Watchdog } from "./watchdog.ts";

/** Fills `folder`/data with a new cluster whose superuser has this password. */
export type MakeCluster = (folder: string, password: string) => Promise<void>;

/** Where a PostgreSQL lives: its files are in `folder`/data. */
export interface Cluster {
  folder: string;
  password: string;
}

interface ClusterOptions {
  user: OsUser | undefined;
  watchdog: Watchdog;
  make: MakeCluster;
}

/** A new cluster that goes away with this process. */
export async function temporaryCluster({ user, watchdog, make }: ClusterOptions): Promise<Cluster> {
  const folder = await makePrivateFolder("wahub-data-", user);
  watchdog.removeAtEnd(folder);
  const password = newPassword();
  await make(folder, password);
  return { folder, password };
}

/**
 * The cluster in `folder`; a new one where there is none. It appears there complete, by rename: a first start that
 * breaks off leaves nothing half made. Where PostgreSQL's user cannot reach that place (root's project in a closed
 * folder), the files are elsewhere and `folder` is a link to them. Throws words to act on where neither works.
 */
export async function keptCluster(options: ClusterOptions & { folder: string }): Promise<Cluster> {
  const { folder, user, watchdog, make } = options;
  const kept = await realpath(folder).catch(() => undefined);
  if (kept !== undefined) {
    await refuseUnusable(kept, user);
    return { folder: kept, password: await readFile(join(kept, "password"), "utf8") };
  }

  await mkdir(dirname(folder), { recursive: true });
  const place = await placeFor(folder, user);
  const making = `${place}.new-${randomBytes(4).toString("hex")}`;
  await removeLeftovers(place);
  watchdog.removeAtEnd(making);
  await mkdir(making, { mode: 0o700 });
  if (user !== undefined) await chown(making, user.uid, user.gid);
  const password = newPassword();
  await make(making, password);
  await writeFile(join(making, "password"), password, { mode: 0o600 });
  await rename(making, place);
  if (place !== folder) {
    // A link that leads nowhere any more.
    await rm(folder, { force: true });
    await symlink(place, folder);
  }
  return { folder: place, password };
}

async function placeFor(folder: string, user: OsUser | undefined): Promise<string> {
  if (await canUserReach(user, dirname(folder))) return folder;
  // The first of these survives a restart of the machine.
  for (const base of ["/var/tmp", ...temporaryFolders()]) {
    if (await canUserReach(user, base)) return join(base, `wahub-kept-${randomBytes(6).toString("hex")}`);
  }
  throw new Error(unreachable(dirname(folder), user));
}

async function refuseUnusable(folder: string, user: OsUser | undefined): Promise<void> {
  if (!(await canUserReach(user, dirname(folder)))) throw new Error(unreachable(folder, user));
  const owner = (await stat(folder)).uid;
  const uid = user?.uid ?? process.getuid?.();
  if (uid === undefined || owner === uid) return;
  throw new Error(
    `${folder} belongs to the user with id ${owner}, but PostgreSQL would run as the one with id ${uid}. Start as the ` +
      "user who started it first, give it to the right one (chown -R), or remove it with its data.",
  );
}

function unreachable(folder: string, user: OsUser | undefined): string {
  return (
    `PostgreSQL does not run as root; it would run as ${user?.name}, who cannot reach ${folder}. Please run the ` +
    "command as an ordinary user, choose another folder with --data, or set DATABASE_URL to a server you have."
  );
}

async function removeLeftovers(place: string): Promise<void> {
  const prefix = `${basename(place)}.new-`;
  const leftovers = (await readdir(dirname(place))).filter((name) => name.startsWith(prefix));
  for (const name of leftovers) await rm(join(dirname(place), name), { recursive: true, force: true });
}

function newPassword(): string {
  return randomBytes(18).toString("base64url");
}
