import { Socket } from "node:net";
import { Migrator } from "@mikro-orm/migrations";
import { MikroORM } from "@mikro-orm/postgresql";
import type { Pool } from "pg";
import { entities } from "./entities/index.ts";
import { migrationsList } from "./migrations/index.ts";
import { createTypeParsers } from "./type-parsers.ts";

/** How to reach PostgreSQL. */
export interface OrmOptions {
  readonly databaseUrl: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly poolMax?: number;
  /**
   * How long a statement waits for a free or new connection before it fails as unavailable. Default 5 s, or less where
   * `queryTimeoutMs` is less.
   */
  readonly connectTimeoutMs?: number;
  /**
   * A statement without an answer for this long fails as unavailable, and its connection is closed: the server may have
   * vanished without a word. 0: never. Default 20 s.
   */
  readonly queryTimeoutMs?: number;
  /** The server ends a statement that runs longer; 0 or absent: never. */
  readonly statementTimeoutMs?: number;
  /** Told of connections lost while idle; the pool replaces them by itself. */
  readonly onConnectionLost?: (error: Error) => void;
}

/** The ORM and the one pool that it and all plain SQL share. */
export interface Orm {
  readonly orm: MikroORM;
  readonly pool: Pool;
  /** Cuts all connections, whatever is going on. */
  readonly cut: () => void;
}

const defaultConnectTimeoutMs = 5_000;
const defaultQueryTimeoutMs = 20_000;

/** A silent connection is asked after this time whether it still stands; it is closed 10 s later if it does not. */
const keepAliveAfterMs = 10_000;

/** What we ask of PostgreSQL for each of our connections. */
const sessionSettings = {
  // A server or role may have it off; an answer of ours means that PostgreSQL cannot lose it.
  synchronous_commit: "on",
  // How soon (ms) it notices in the middle of a statement that nobody waits for it any more.
  client_connection_check_interval: 1_000,
  // How soon (s) it notices between statements, or in a COPY, that we have vanished without a word: until then we hold
  // our locks, and whoever repeats the call waits for them.
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
};

/**
 * A session that holds locks and says nothing for this long is ended: its process hangs, and others wait for it, who give
 * up after a few seconds themselves. Nothing in a transaction waits for anything but PostgreSQL, and a COPY counts as
 * work.
 */
const idleInTransactionTimeoutMs = 3_000;

const defaultPoolMax = 10;

/** Makes the ORM and its pool. Connects on first use, so it never fails for a server that is away. */
export function createOrm(options: OrmOptions): Orm {
  const { queryTimeoutMs = defaultQueryTimeoutMs } = options;
  const { connectTimeoutMs = Math.min(defaultConnectTimeoutMs, queryTimeoutMs || Infinity) } = options;
  let pool: Pool | undefined;
  const sockets = new Set<Socket>();
  const orm = new MikroORM({
    clientUrl: options.databaseUrl,
    entities,
    extensions: [Migrator],
    // The names of entities and tables are explicit; nothing is looked up on disk or created on the way.
    ensureDatabase: false,
    debug: false,
    pool: { min: 0, max: options.poolMax ?? defaultPoolMax },
    driverOptions: {
      // Parsed by pg itself, because MikroORM drops what stands behind the question mark (sslmode and the like).
      connectionString: options.databaseUrl,
      application_name: options.applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveAfterMs,
      stream: () => trackedSocket(sockets),
      options: Object.entries(sessionSettings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(" "),
      ...(options.statementTimeoutMs ? { statement_timeout: options.statementTimeoutMs } : {}),
      onPoolCreated: (created: Pool) => {
        pool = created;
        created.options.types = createTypeParsers();
        created.on("error", (error) => options.onConnectionLost?.(error));
      },
    },
    migrations: {
      migrationsList,
      tableName: "schema_migration",
      // One transaction for all, so a failure leaves the schema as it was. No snapshot: the entities are checked
      // against a real database instead (see schema-drift.ts).
      transactional: true,
      allOrNothing: true,
      snapshot: false,
      disableForeignKeys: false,
      silent: true,
    },
    // Partitions come and go by the week, and functions have no entity; both are checked in schema-drift.ts.
    schemaGenerator: { disableForeignKeys: false, ignoreRoutines: true, skipTables: [/_p\d{8}$/] },
  });
  // Builds the pool without connecting.
  orm.em.getConnection().getClient();
  if (pool === undefined) throw new Error("MikroORM made no pool");
  return {
    orm,
    pool,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function trackedSocket(sockets: Set<Socket>): Socket {
  const socket = new Socket();
  sockets.add(socket);
  return socket.on("close", () => sockets.delete(socket));
}
