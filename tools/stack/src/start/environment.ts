import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { PROJECT_ROOT } from "../project.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export const ENV_FILE = join(PROJECT_ROOT, ".env");

/** What the file sets; nothing where there is none. */
export function readEnvFile(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new Error(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return parseEnv(text) as Record<string, string>;
}

/** The environment wins, also with an empty value: `DATABASE_URL= npm start` leaves out what the file says. */
export function withEnvFile(environment: Environment, fromFile: Readonly<Record<string, string>>): Environment {
  return { ...fromFile, ...environment };
}
