import type { EntityManager, MikroORM } from "@mikro-orm/postgresql";
import type { Pool } from "pg";
import { createOrm, type OrmOptions } from "./orm.ts";

export type StoreOptions = OrmOptions;

/** The door to PostgreSQL of one process. */
export interface Store {
  readonly orm: MikroORM;
  /** Shared with the ORM; for set-based SQL. Closing it is the store's business. */
  readonly pool: Pool;
  /** A fresh unit of work. */
  em(): EntityManager;
  /** Resolves when PostgreSQL answers. Throws what the driver throws; see `withStoreErrors`. */
  ping(): Promise<void>;
  /** Waits for borrowed connections to come back, then closes all. */
  close(): Promise<void>;
}

/**
 * Opens the store. Connects on first use; a server that is away fails the statement, not the process, and lost
 * connections are replaced.
 */
export function createStore(options: StoreOptions): Store {
  const { orm, pool } = createOrm(options);
  return {
    orm,
    pool,
    em: () => orm.em.fork(),
    ping: async () => {
      await pool.query("select 1");
    },
    close: () => orm.close(),
  };
}
