import type { EntityManager, MikroORM } from "@mikro-orm/postgresql";
import type { Pool } from "pg";
import { createOrm, type OrmOptions } from "./orm.ts";
import { createSchemaCheck } from "./require-schema.ts";
import { withStoreErrors } from "./store-errors.ts";

export type StoreOptions = OrmOptions;

/** The door to PostgreSQL of one process. */
export interface Store {
  readonly orm: MikroORM;
  /** Shared with the ORM; for set-based SQL. Closing it is the store's business. */
  readonly pool: Pool;
  /** A fresh unit of work. */
  em(): EntityManager;
  /** Resolves when PostgreSQL answers; throws HubError `unavailable` when it does not. */
  ping(): Promise<void>;
  /** Resolves when the database is migrated; see `createSchemaCheck`. */
  requireSchema(): Promise<void>;
  /** Waits for borrowed connections to come back, but not long, then closes all. */
  close(): Promise<void>;
}

/** A server that has vanished says goodbye to nobody. */
const closeGraceMs = 1_000;

/**
 * Opens the store. Connects on first use; a server that is away fails the statement, not the process, and lost
 * connections are replaced.
 */
export function createStore(options: StoreOptions): Store {
  const { orm, pool, cut } = createOrm(options);
  return {
    orm,
    pool,
    em: () => orm.em.fork(),
    ping: async () => {
      await withStoreErrors(() => pool.query("select 1"));
    },
    requireSchema: createSchemaCheck(pool),
    close: async () => {
      const late = setTimeout(cut, closeGraceMs);
      await orm.close();
      // The ORM ends the pool only where it has used it itself.
      if (!pool.ending) await pool.end();
      clearTimeout(late);
    },
  };
}
