import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Client } from "pg";
import { migrations } from "./migrations/index.ts";
import { createEmptyDatabase, type EmptyDatabase } from "./testing/test-database.ts";

// The code of the release before runs while a migration runs and after it. Whatever it names in its statements must still be
// there, and what it writes must still be taken.

let database: EmptyDatabase;
let client: Client;

beforeEach(async () => {
  database = await createEmptyDatabase();
  client = new Client({ connectionString: database.databaseUrl });
  await client.connect();
});
afterEach(async () => {
  await client.end();
  await database.drop();
});

const columns = "information_schema.columns where table_schema = 'public'";
const indexes = `pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
                 where n.nspname = 'public' and i.indisunique`;
const uniqueIndex =
  "i.indrelid::regclass::text || ': unique' || substring(pg_get_indexdef(i.indexrelid) from ' USING.*')";

const lines = async (expression: string, from: string): Promise<string[]> =>
  (await client.query<{ line: string }>(`select ${expression} as line from ${from}`)).rows.map(({ line }) => line);

/** What old statements can depend on, as lines that must not vanish. */
async function promises(): Promise<Set<string>> {
  return new Set([
    ...(await lines("'column ' || table_name || '.' || column_name || ' ' || udt_name", columns)),
    ...(await lines(
      "'function ' || p.oid::regprocedure::text",
      "pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'public'",
    )),
    // `on conflict` names the columns of one.
    ...(await lines(uniqueIndex, indexes)),
  ]);
}

/** What can refuse a write, as lines that must not appear on a table that was there. */
async function demands(): Promise<Set<string>> {
  return new Set([
    ...(await lines(
      "table_name || ': ' || column_name || ' must be given'",
      `${columns} and is_nullable = 'NO' and column_default is null and is_identity = 'NO' and is_generated = 'NEVER'`,
    )),
    ...(await lines(
      "c.conrelid::regclass::text || ': ' || pg_get_constraintdef(c.oid)",
      `pg_constraint c join pg_namespace n on n.oid = c.connamespace
       where n.nspname = 'public' and c.contype in ('c', 'f', 'x')`,
    )),
    ...(await lines(uniqueIndex, indexes)),
  ]);
}

describe("a migration leaves to the release before it what that one uses", () => {
  test.each(migrations.slice(1).map((migration, at) => [migration.name, at + 1] as const))("%s", async (_, at) => {
    for (const { statements } of migrations.slice(0, at)) for (const sql of statements) await client.query(sql);
    const promised = await promises();
    const demanded = await demands();
    const tables = new Set([...promised].map((line) => /^column (\w+)\./.exec(line)?.[1]));
    for (const sql of migrations[at]!.statements) await client.query(sql);
    const kept = await promises();
    const added = [...(await demands())].filter((line) => !demanded.has(line) && tables.has(line.split(":", 1)[0]));
    expect([...promised].filter((line) => !kept.has(line))).toEqual([]);
    expect(added).toEqual([]);
  });

  test("what would break it is noticed", async () => {
    await client.query("create table t (a int primary key, b text)");
    const promised = await promises();
    const demanded = await demands();
    await client.query("alter table t drop column b, add column c int not null, add constraint positive check (a > 0)");
    const kept = await promises();
    expect([...promised].filter((line) => !kept.has(line))).toEqual(["column t.b text"]);
    expect([...(await demands())].filter((line) => !demanded.has(line))).toEqual([
      "t: c must be given",
      "t: CHECK ((a > 0))",
    ]);
  });
});
