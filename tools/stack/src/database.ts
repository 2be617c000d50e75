import { join } from "node:path";
import { Client } from "pg";
import { allowedEnvironment } from "../../../scripts/allowed-environment.mjs";
import { runCommand } from "./command.ts";
import { CACHE_FOLDER, PROJECT_ROOT } from "./project.ts";

/** PostgreSQL's code for a database that exists. */
const DUPLICATE_DATABASE = "42P04";

/** Creates a database on the server of `url` and returns the URL of the new one. */
export async function createDatabase(url: string, name: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return withDatabase(url, name);
}

/** As `createDatabase`, and fine where it exists. */
export async function ensureDatabase(url: string, name: string): Promise<string> {
  try {
    return await createDatabase(url, name);
  } catch (error) {
    if ((error as { code?: string }).code !== DUPLICATE_DATABASE) throw error;
    return withDatabase(url, name);
  }
}

function withDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

/** Brings the database to the newest schema, by the same program as `npm run migrate`. */
export async function migrate(databaseUrl: string): Promise<void> {
  const set = {
    DATABASE_URL: databaseUrl,
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? join(CACHE_FOLDER, "compiled"),
  };
  const env = allowedEnvironment(process.env, { set });
  await runCommand(process.execPath, [join(PROJECT_ROOT, "packages/store/src/migrate-main.ts")], {
    env,
    cwd: PROJECT_ROOT,
  });
}
