import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CACHE_FOLDER } from "./project.ts";

const KEPT_RUNS = 20;
const KEPT_FOR_MS = 3_600_000;

/** A new folder for the logs of one run. The latest runs and those of the last hour are kept, older ones go. */
export async function makeLogFolder(): Promise<string> {
  const logs = join(CACHE_FOLDER, "logs");
  const time = new Date().toISOString().replace(/\..*/, "").replaceAll(":", "-");
  const folder = join(logs, `${time}-${randomBytes(3).toString("hex")}`);
  await mkdir(folder, { recursive: true });
  await removeOldRuns(logs);
  return folder;
}

async function removeOldRuns(logs: string): Promise<void> {
  const names = (await readdir(logs)).toSorted();
  for (const name of names.slice(0, -KEPT_RUNS)) {
    const folder = join(logs, name);
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > KEPT_FOR_MS) await rm(folder, { recursive: true, force: true });
  }
}
