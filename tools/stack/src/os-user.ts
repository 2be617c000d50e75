import { execFileSync } from "node:child_process";
import { allowedEnvironment } from "../../../scripts/allowed-environment.mjs";
import { runCommand } from "./command.ts";

export interface OsUser {
  name: string;
  uid: number;
  gid: number;
}

/** Users that exist on common systems and own nothing of value, best first. */
const UNPRIVILEGED_USERS = ["postgres", "nobody", "daemon", "www-data"];

/**
 * PostgreSQL refuses to run as root: the existing user it runs as instead, or undefined where we are not root and it
 * runs as ourselves. No user is ever created.
 */
export function postgresUser(): OsUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of UNPRIVILEGED_USERS) {
    const uid = idOf(name, "-u");
    const gid = idOf(name, "-g");
    if (uid !== undefined && gid !== undefined && uid !== 0) return { name, uid, gid };
  }
  throw new Error(
    `PostgreSQL does not run as root, and none of the users ${UNPRIVILEGED_USERS.join(", ")} exists to run it as. ` +
      "Please run the command as an ordinary user.",
  );
}

/** Whether the user (without one: we) can open things in the folder. */
export async function canUserReach(user: OsUser | undefined, folder: string): Promise<boolean> {
  if (user === undefined) return true;
  const { uid, gid } = user;
  const options = { env: { PATH: "/usr/bin:/bin" }, cwd: "/", user: { uid, gid } };
  return runCommand("test", ["-x", folder], options).then(
    () => true,
    () => false,
  );
}

function idOf(name: string, flag: "-u" | "-g"): number | undefined {
  try {
    const answer = execFileSync("id", [flag, name], {
      encoding: "utf8",
      env: allowedEnvironment(process.env),
      stdio: "pipe",
    });
    return Number.parseInt(answer, 10);
  } catch {
    return undefined;
  }
}
