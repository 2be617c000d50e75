import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { migrate } from "./migrate.ts";
import { createStore, type Store } from "./store.ts";
import { createEmptyDatabase, type EmptyDatabase } from "./testing/test-database.ts";

describe("a service that looks for its schema", () => {
  test("waits for a database that is not migrated, and says what to do; then it asks no more", async () => {
    const empty = await createEmptyDatabase();
    const store = createStore({ databaseUrl: empty.databaseUrl, applicationName: "test" });
    try {
      await expect(store.requireSchema()).rejects.toMatchObject({
        kind: "unavailable",
        message: expect.stringContaining("npm run migrate"),
      });
      await migrate(empty.databaseUrl);
      await store.requireSchema();
      await store.pool.query("drop table schema_migration");
      await store.requireSchema();
    } finally {
      await store.close();
      await empty.drop();
    }
  });

  test("waits for a database that is away", async () => {
    const store = createStore({ databaseUrl: "postgres://hub@127.0.0.1:1/hub", applicationName: "test" });
    await expect(store.requireSchema()).rejects.toMatchObject({ kind: "unavailable" });
    await store.close();
  });
});

describe("migrating", () => {
  let database: EmptyDatabase;
  let store: Store;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    store = createStore({ databaseUrl: database.databaseUrl, applicationName: "test" });
  });

  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  test("applies each step once, however many do it at the same time", async () => {
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database.databaseUrl)));
    expect(applied.flat()).toEqual(["0001-initial", "0002-exactly-once"]);
    const { rows } = await store.pool.query("select name from schema_migration order by id");
    expect(rows).toEqual([{ name: "0001-initial" }, { name: "0002-exactly-once" }]);
  });

  test("does nothing to a database that is up to date, and says so", async () => {
    const lines: string[] = [];
    expect(await migrate(database.databaseUrl, (line) => lines.push(line))).toEqual([]);
    expect(lines).toEqual(["nothing to apply: the schema is up to date"]);
  });

  test("describes every table, for the documentation", async () => {
    const { rows } = await store.pool.query(
      `select c.relname from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and c.relname <> 'schema_migration' and obj_description(c.oid, 'pg_class') is null`,
    );
    expect(rows).toEqual([]);
  });
});

describe("a migration that fails", () => {
  test("leaves the database as it was", async () => {
    const database = await createEmptyDatabase();
    const store = createStore({ databaseUrl: database.databaseUrl, applicationName: "test" });
    try {
      await store.pool.query("create table sender (in_the_way int)");
      await expect(migrate(database.databaseUrl)).rejects.toThrow('relation "sender" already exists');
      const { rows } = await store.pool.query(
        "select tablename from pg_tables where schemaname = 'public' and tablename <> 'schema_migration'",
      );
      expect(rows).toEqual([{ tablename: "sender" }]);
      await store.pool.query("drop table sender");
      expect(await migrate(database.databaseUrl)).toEqual(["0001-initial", "0002-exactly-once"]);
    } finally {
      await store.close();
      await database.drop();
    }
  });
});

describe("the migrate command", () => {
  test("prints what it applied and ends with 0", async () => {
    const database = await createEmptyDatabase();
    try {
      expect(await runMigrate({ DATABASE_URL: database.databaseUrl })).toMatchObject({
        code: 0,
        stdout: "applied 0001-initial\napplied 0002-exactly-once\n",
      });
    } finally {
      await database.drop();
    }
  });

  test.each([
    ["is missing", {}],
    ["is no PostgreSQL URL", { DATABASE_URL: "hub" }],
  ])("ends with 78 and says that DATABASE_URL %s", async (fault, env) => {
    const { code, stderr } = await runMigrate(env);
    expect(code).toBe(78);
    expect(stderr).toContain(`DATABASE_URL ${fault}`);
  });

  test("ends with 1 and gives the reason, but no password, when it fails", async () => {
    const { code, stderr } = await runMigrate({ DATABASE_URL: "postgres://hub:hunter2@127.0.0.1:1/hub" });
    expect(code).toBe(1);
    expect(stderr).toContain("migration failed: connect ECONNREFUSED 127.0.0.1:1");
    expect(stderr).not.toContain("hunter2");
  });
});

async function runMigrate(env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./migrate-main.ts", import.meta.url))], { env });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout, stderr };
}
