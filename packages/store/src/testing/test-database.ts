import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { migrate } from "../migrate.ts";
import { migrationsHash } from "../migrations/index.ts";
import { ensurePartitions } from "../partitions.ts";
import { createStore, type Store } from "../store.ts";

/** A database of one test's own. */
export interface TestDatabase {
  readonly databaseUrl: string;
  readonly store: Store;
  /** Closes the store and drops the database, whoever is still connected to it. */
  drop(): Promise<void>;
}

/** A database with nothing in it, for tests of the migrations themselves. */
export interface EmptyDatabase {
  readonly databaseUrl: string;
  readonly drop: () => Promise<void>;
}

export interface TestDatabaseOptions {
  /** The time the test plays in: there are partitions from a week before to five weeks after. Default: today. */
  readonly now?: Date;
  readonly poolMax?: number;
}

/** Keys of the advisory locks taken in the server's `postgres` database; any number that nothing else uses. */
const templateLockKey = 7_205_759_404;

/**
 * Creates a migrated, empty database on the server of TEST_DATABASE_URL (a superuser's URL). The migrations run once
 * per server, into a template that every further database is a copy of.
 *
 * @throws when TEST_DATABASE_URL is missing or the server does not answer
 */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const template = `wahub_template_${migrationsHash}`;
  await onServer((server) => ensureTemplate(server, template));
  const { databaseUrl, drop } = await createDatabase(`template ${template}`);
  const store = createStore({ databaseUrl, poolMax: options.poolMax ?? 10, applicationName: "test" });
  await ensurePartitions(store.pool, options.now ?? new Date());
  return {
    databaseUrl,
    store,
    drop: async () => {
      await store.close();
      await drop();
    },
  };
}

/** Creates a database without any tables on the server of TEST_DATABASE_URL. */
export async function createEmptyDatabase(): Promise<EmptyDatabase> {
  return createDatabase("");
}

async function createDatabase(how: string): Promise<EmptyDatabase> {
  const name = `wahub_test_${randomBytes(8).toString("hex")}`;
  await onServer((server) => server.query(`create database ${name} ${how}`));
  return {
    databaseUrl: urlOf(name),
    drop: async () => {
      await onServer((server) => server.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** Makes the template unless it is there. One process does, the others wait. */
async function ensureTemplate(server: Client, template: string): Promise<void> {
  if (await databaseExists(server, template)) return;
  await server.query("select pg_advisory_lock($1)", [templateLockKey]);
  try {
    if (await databaseExists(server, template)) return;
    // It gets its name when it is complete: what a killed process leaves behind is no template.
    const unfinished = `${template}_unfinished`;
    await server.query(`drop database if exists ${unfinished} with (force)`);
    await server.query(`create database ${unfinished}`);
    await migrate(urlOf(unfinished));
    await server.query(`alter database ${unfinished} rename to ${template}`);
    // A database can only be copied while nobody, autovacuum included, is connected to it.
    await server.query(`alter database ${template} allow_connections false`);
  } finally {
    await server.query("select pg_advisory_unlock($1)", [templateLockKey]);
  }
}

async function databaseExists(server: Client, name: string): Promise<boolean> {
  const { rowCount } = await server.query("select from pg_database where datname = $1", [name]);
  return rowCount === 1;
}

async function onServer<T>(fn: (server: Client) => Promise<T>): Promise<T> {
  const server = new Client({ connectionString: serverUrl() });
  await server.connect();
  try {
    return await fn(server);
  } finally {
    await server.end();
  }
}

function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.href;
}

function serverUrl(): string {
  const url = process.env["TEST_DATABASE_URL"];
  if (!url) throw new Error("TEST_DATABASE_URL is missing: set it to a superuser's URL of a PostgreSQL server");
  return url;
}
