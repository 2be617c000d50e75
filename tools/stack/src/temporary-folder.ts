import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import type { OsUser } from "./os-user.ts";

/** Where temporary files may go, best first: the configured place may be closed to other users. */
export function temporaryFolders(): string[] {
  return [...new Set([tmpdir(), "/tmp", "/var/tmp"])];
}

/** A new folder that only `user` (without one: we) can open, in a place where that user can reach it. */
export async function makePrivateFolder(prefix: string, user?: OsUser): Promise<string> {
  for (const base of temporaryFolders()) {
    const folder = await mkdtemp(join(base, prefix)).catch(() => undefined);
    if (folder === undefined) continue;
    if (user === undefined) return folder;
    await chown(folder, user.uid, user.gid);
    if (await canWrite(folder, user)) return folder;
    await rm(folder, { recursive: true });
  }
  throw new Error(`No temporary folder for ${user?.name ?? "us"}: tried ${temporaryFolders().join(", ")}.`);
}

async function canWrite(folder: string, { uid, gid }: OsUser): Promise<boolean> {
  const check = runCommand("test", ["-w", folder], { env: { PATH: "/usr/bin:/bin" }, cwd: "/", user: { uid, gid } });
  return check.then(
    () => true,
    () => false,
  );
}
