import { HubError } from "@wahub/domain";
import { migrationsList } from "./migrations/index.ts";
import type { Queryable } from "./queryable.ts";
import { withStoreErrors } from "./store-errors.ts";

/** PostgreSQL's word for: there is no such table. */
const undefinedTable = "42P01";

/**
 * Makes sure that the database has every migration that this code knows; one that has more is fine. What was found once
 * is not asked for again, as migrations are never taken back.
 *
 * @throws HubError `unavailable`, with words for whoever runs the service: it goes on by itself once they have migrated
 */
export function createSchemaCheck(pool: Queryable): () => Promise<void> {
  let complete = false;
  return async () => {
    if (complete) return;
    const applied = await withStoreErrors(() => appliedMigrations(pool));
    const missing = migrationsList.filter(({ name }) => !applied.has(name));
    if (missing.length > 0) {
      throw new HubError(
        "unavailable",
        `the database is not migrated (${missing.length} missing): run \`npm run migrate\``,
      );
    }
    complete = true;
  };
}

async function appliedMigrations(pool: Queryable): Promise<Set<string>> {
  try {
    const { rows } = await pool.query<{ name: string }>("select name from schema_migration");
    return new Set(rows.map(({ name }) => name));
  } catch (error) {
    if ((error as { code?: unknown }).code === undefinedTable) return new Set();
    throw error;
  }
}
