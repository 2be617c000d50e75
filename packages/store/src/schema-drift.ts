import { entities } from "./entities/index.ts";
import type { Store } from "./store.ts";

/** What the entities cannot say and the code relies on. */
const expected = {
  /** Tables split by week, and the key they are split by. */
  partitionKeys: {
    message: "RANGE (id)",
    message_event: "RANGE (message_id)",
    message_attempt: "RANGE (message_id)",
  } as Record<string, string>,
  functions: [
    "counted_error(status smallint, error_code integer) returns integer",
    "ensure_partitions(from_at timestamp with time zone, until_at timestamp with time zone) returns integer",
  ],
};

/**
 * Every difference between what the code expects and the database it finds, in words or as the SQL that would remove
 * it; empty when they agree. Covers tables, columns, types, defaults, nullability, keys, indexes with their conditions
 * and table comments (by the entities), partition keys and functions (by the list above). Partitions and the bodies of
 * functions are not compared: partitions follow their parent, bodies are code that only a migration changes.
 */
export async function schemaDrift(store: Store): Promise<string[]> {
  return [...(await entityDrift(store)), ...(await partitionDrift(store)), ...(await functionDrift(store))];
}

async function entityDrift(store: Store): Promise<string[]> {
  const sql = await store.orm.schema.getUpdateSchemaSQL({ wrap: false });
  return sql.split("\n").filter((line) => line.trim() !== "");
}

async function partitionDrift(store: Store): Promise<string[]> {
  const { rows } = await store.pool.query<{ name: string; key: string | null }>(
    `select c.relname as name, pg_get_partkeydef(c.oid) as key
       from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relname = any ($1)
      order by c.relname`,
    [entities.map((entity) => entity.meta.tableName)],
  );
  return rows
    .filter(({ name, key }) => key !== (expected.partitionKeys[name] ?? null))
    .map(
      ({ name, key }) =>
        `${name} is partitioned by ${key ?? "nothing"}, not ${expected.partitionKeys[name] ?? "nothing"}`,
    );
}

async function functionDrift(store: Store): Promise<string[]> {
  const { rows } = await store.pool.query<{ signature: string }>(
    `select p.proname || '(' || pg_get_function_arguments(p.oid) || ') returns ' || pg_get_function_result(p.oid) as signature
       from pg_proc p
      where p.pronamespace = current_schema()::regnamespace
      order by 1`,
  );
  const found = rows.map((row) => row.signature);
  return [
    ...expected.functions.filter((name) => !found.includes(name)).map((name) => `function ${name} is missing`),
    ...found.filter((name) => !expected.functions.includes(name)).map((name) => `function ${name} is not expected`),
  ];
}
