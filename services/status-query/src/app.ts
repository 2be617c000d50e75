import {
  createAdminServer,
  createApp,
  createGrpcServer,
  createLogger,
  createMetrics,
  readinessChecks,
  type App,
} from "@wahub/platform";
import { StatusService } from "@wahub/proto";
import { createAuthenticator, createStore, requireApiKey, withStoreErrors } from "@wahub/store";
import type { StatusQueryConfig } from "./config.ts";
import { createGetBatch } from "./get-batch.ts";
import { createGetMessage } from "./get-message.ts";
import { createListMessages } from "./list-messages.ts";
import { createWatchBatch } from "./watch-batch.ts";

/** Share of the shutdown time that calls in flight may take; the rest is for what they stand on. */
const drainShare = 0.7;

/** The status-query service: answers what became of messages and batches. Reads only. */
export function createStatusQuery(config: StatusQueryConfig, overrides: { now?: () => Date } = {}): App {
  const now = overrides.now ?? (() => new Date());
  const log = createLogger({ service: "status-query", level: config.LOG_LEVEL });
  const metrics = createMetrics({ service: "status-query" });
  const store = createStore({
    databaseUrl: config.DATABASE_URL,
    applicationName: "status-query",
    poolMax: config.DATABASE_POOL_MAX,
    statementTimeoutMs: config.STATEMENT_TIMEOUT_MS,
  });
  const admin = createAdminServer({
    host: config.HOST,
    port: config.ADMIN_PORT,
    metrics,
    log,
    readiness: readinessChecks({ postgresql: () => store.ping() }),
  });
  const server = createGrpcServer({
    host: config.HOST,
    port: config.GRPC_PORT,
    services: [
      {
        service: StatusService,
        implementation: {
          getMessage: createGetMessage(store),
          getBatch: createGetBatch(store),
          listMessages: createListMessages(store),
          watchBatch: createWatchBatch(store, { everyMs: config.WATCH_EVERY_MS }),
        },
      },
    ],
    authenticate: createAuthenticator(store.pool),
    drainMs: config.SHUTDOWN_TIMEOUT_MS * drainShare,
    log,
    metrics,
  });
  return createApp({
    log,
    components: [
      admin,
      { name: "store", start: async () => {}, stop: () => store.close() },
      {
        name: "api_key",
        start: () => withStoreErrors(() => requireApiKey(store, config.BOOTSTRAP_API_KEY, now())),
        stop: async () => {},
      },
      server,
    ],
    ports: () => ({ grpc: server.port, admin: admin.port }),
  });
}
