import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomApiKey } from "../account.ts";

/** The key in the data folder, which is made at the first start and only its owner can read. */
export async function keptApiKey(dataFolder: string): Promise<string> {
  const file = apiKeyFile(dataFolder);
  const kept = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  });
  if (kept.trim() !== "") return kept.trim();
  const key = randomApiKey();
  await mkdir(dataFolder, { recursive: true });
  await writeFile(file, `${key}\n`, { mode: 0o600 });
  return key;
}

export function apiKeyFile(dataFolder: string): string {
  return join(dataFolder, "api-key");
}
