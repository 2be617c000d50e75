import { randomBytes } from "node:crypto";
import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { canUserReach, type OsUser } from "./os-user.ts";
import { makePrivateFolder } from "./temporary-folder.ts";
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
 * breaks off leaves nothing half made. Throws words to act on where PostgreSQL could not work there.
 */
export async function keptCluster(options: ClusterOptions & { folder: string }): Promise<Cluster> {
  const { folder, user, watchdog, make } = options;
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  if (!(await canUserReach(user, parent))) {
    throw new Error(
      `PostgreSQL does not run as root; it would run as ${user?.name}, who cannot reach ${parent}. Please run the ` +
        "command as an ordinary user, choose another folder with --data, or set DATABASE_URL to a server you have.",
    );
  }
  const passwordFile = join(folder, "password");
  const owner = await stat(folder).catch(() => undefined);
  if (owner !== undefined) {
    const uid = user?.uid ?? process.getuid?.();
    if (uid !== undefined && owner.uid !== uid) {
      throw new Error(
        `${folder} belongs to the user with id ${owner.uid}, but PostgreSQL would run as the one with id ${uid}. ` +
          "Start as the user who started it first, give it to the right one (chown -R), or remove it with its data.",
      );
    }
    return { folder, password: await readFile(passwordFile, "utf8") };
  }

  const prefix = `${basename(folder)}.new-`;
  const leftovers = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  for (const name of leftovers) await rm(join(parent, name), { recursive: true, force: true });
  const making = join(parent, `${prefix}${randomBytes(4).toString("hex")}`);
  watchdog.removeAtEnd(making);
  await mkdir(making, { mode: 0o700 });
  if (user !== undefined) await chown(making, user.uid, user.gid);
  const password = newPassword();
  await make(making, password);
  await writeFile(join(making, "password"), password, { mode: 0o600 });
  await rename(making, folder);
  return { folder, password };
}

function newPassword(): string {
  return randomBytes(18).toString("base64url");
}
