import { Client } from "pg";
import { createOrm } from "./orm.ts";

/** Says what happens, one line at a time. */
export type MigrateLog = (line: string) => void;

/** Key of the advisory lock that keeps two migrations apart; any number that nothing else uses. */
const lockKey = 7_205_759_403;

const connectTimeoutMs = 10_000;

const applicationName = "whatsapphub migrate";

/**
 * Brings a database up to date and returns the names of the migrations applied, oldest first; none when it is up to
 * date. All of them succeed or none. Two at once wait for each other, so every instance of a deployment may run it.
 *
 * @throws what PostgreSQL answers; the database is then as it was
 */
export async function migrate(databaseUrl: string, log: MigrateLog = () => {}): Promise<string[]> {
  // The lock lives on a connection of its own, so it is held around whatever the migrator does on others.
  const client = new Client({
    connectionString: databaseUrl,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
  });
  client.on("error", () => {});
  await client.connect();
  try {
    await takeLock(client, log);
    return await runMigrator(databaseUrl, log);
  } finally {
    // Ending the session also gives the lock back.
    await client.end();
  }
}

async function takeLock(client: Client, log: MigrateLog): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [lockKey]);
  if (rows[0]!.taken) return;
  log("waiting: another migration is running");
  await client.query("select pg_advisory_lock($1)", [lockKey]);
}

async function runMigrator(databaseUrl: string, log: MigrateLog): Promise<string[]> {
  const { orm } = createOrm({ databaseUrl, applicationName, poolMax: 2, queryTimeoutMs: 0 });
  try {
    const applied = (await orm.migrator.up()).map((migration) => migration.name);
    for (const name of applied) log(`applied ${name}`);
    if (applied.length === 0) log("nothing to apply: the schema is up to date");
    return applied;
  } finally {
    await orm.close();
  }
}
