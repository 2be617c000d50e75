import {
  createAdminServer,
  createApp,
  createFairGate,
  createGrpcServer,
  createLogger,
  createMetrics,
  createStartStep,
  letGo,
  readinessChecks,
  type App,
} from "@wahub/platform";
import { StatusService } from "@wahub/proto";
import { cancelable, createAuthenticator, createStore, readBatch, requireApiKey, withStoreErrors } from "@wahub/store";
import { createBatchFeed } from "./batch-feed.ts";
import type { StatusQueryConfig } from "./config.ts";
import { createGetBatch } from "./get-batch.ts";
import { createGetMessage } from "./get-message.ts";
import { createListMessages } from "./list-messages.ts";
import { createWatchBatch } from "./watch-batch.ts";

/** Share of the shutdown time that calls in flight may take; the rest is for what they stand on. */
const drainShare = 0.7;

/** PostgreSQL itself ends what takes too long; when nothing is heard of that, it is gone. */
const answerSlackMs = 1_000;

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
    queryTimeoutMs: config.STATEMENT_TIMEOUT_MS + answerSlackMs,
  });
  const feed = createBatchFeed({
    read: (tenantId, batchId, signal) =>
      withStoreErrors(() => readBatch(cancelable(store.pool, signal), tenantId, batchId)),
    everyMs: config.WATCH_EVERY_MS,
  });
  const places = createFairGate({
    capacity: config.WATCHERS_MAX,
    capacityPerKey: Math.min(config.WATCHERS_PER_TENANT_MAX, config.WATCHERS_MAX),
    busyWith: "batches are being watched",
  });
  const admin = createAdminServer({
    host: config.HOST,
    port: config.ADMIN_PORT,
    metrics,
    log,
    readiness: readinessChecks({ postgresql: () => store.ping(), schema: () => store.requireSchema() }),
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
          watchBatch: createWatchBatch(feed, places),
        },
      },
    ],
    authenticate: createAuthenticator(store.pool),
    drainMs: config.SHUTDOWN_TIMEOUT_MS * drainShare,
    maxConnectionAgeMs: config.GRPC_MAX_CONNECTION_AGE_MS,
    maxConnectionAgeGraceMs: config.GRPC_MAX_CONNECTION_AGE_GRACE_MS,
    log,
    metrics,
  });
  return createApp({
    log,
    components: [
      admin,
      letGo("store", () => store.close()),
      createStartStep({
        name: "api_key",
        log,
        run: () =>
          withStoreErrors(async () => {
            await store.requireSchema();
            await requireApiKey(store, config.BOOTSTRAP_API_KEY, now());
          }),
      }),
      server,
    ],
    ports: () => ({ grpc: server.port, admin: admin.port }),
  });
}
