import {
  type App,
  createAdminServer,
  createApp,
  createGrpcClient,
  createHttpServer,
  createLogger,
  createMetrics,
  createRequestRoom,
  letGo,
  type Logger,
  type Readiness,
  readinessChecks,
} from "@wahub/platform";
import { AdminService, DispatchService, StatusService } from "@wahub/proto";
import type { GatewayConfig } from "./config.ts";
import { createGatewayEvents } from "./events.ts";
import { type ForwardOptions, forwardTo } from "./forward.ts";
import { createHttpApp } from "./http-app.ts";
import { createPeerHealth } from "./peer-health.ts";

/** How long a peer may take to say that it serves. */
const healthTimeoutMs = 1_000;

/** Share of the time for stopping that requests in flight get; the rest is for what comes after them. */
const drainShare = 0.8;

/** One service that is away is no reason to turn away the calls of the other. */
function readyWithAny(readiness: Readiness): Readiness {
  return async () => {
    const checks = await readiness();
    return checks.some(({ ok }) => ok) ? checks.map((check) => ({ ...check, optional: true })) : checks;
  };
}

/** The gateway service: the door for web clients. It keeps nothing and checks no key; the services behind it do. */
export function createGateway(config: GatewayConfig, overrides: { log?: Logger } = {}): App {
  const log = overrides.log ?? createLogger({ service: "gateway", level: config.LOG_LEVEL });
  const metrics = createMetrics({ service: "gateway" });
  const events = createGatewayEvents(log, metrics);

  const callTimeoutMs = config.CALL_TIMEOUT_MS;
  // BulkSend is not repeated here: without an idempotency key a second call is a second batch.
  const dispatch = createGrpcClient(DispatchService, config.DISPATCH_URL);
  const admins = createGrpcClient(AdminService, config.DISPATCH_URL, { retryMethods: ["ListSenders"] });
  const statusQuery = createGrpcClient(StatusService, config.STATUS_QUERY_URL, {
    // It only reads.
    retryMethods: StatusService.methods.map(({ name }) => name),
  });
  const health = {
    dispatch: createPeerHealth(config.DISPATCH_URL, healthTimeoutMs),
    statusQuery: createPeerHealth(config.STATUS_QUERY_URL, healthTimeoutMs),
  };

  const admin = createAdminServer({
    host: config.HOST,
    port: config.ADMIN_PORT,
    metrics,
    log,
    readiness: readyWithAny(
      readinessChecks({
        dispatch: () => health.dispatch.check(),
        status_query: () => health.statusQuery.check(),
      }),
    ),
  });
  const forward: ForwardOptions = { callTimeoutMs, stopping: () => server.stopping };
  const server = createHttpServer({
    host: config.HOST,
    port: config.HTTP_PORT,
    app: createHttpApp({
      services: [
        { service: DispatchService, handlers: forwardTo(DispatchService, dispatch, forward) },
        { service: AdminService, handlers: forwardTo(AdminService, admins, forward) },
        { service: StatusService, handlers: forwardTo(StatusService, statusQuery, forward) },
      ],
      bulkSend: { dispatch, callTimeoutMs },
      room: createRequestRoom(),
      events,
    }),
    log,
    drainMs: Math.floor(config.SHUTDOWN_TIMEOUT_MS * drainShare),
  });

  return createApp({
    log,
    components: [
      admin,
      letGo("peers", async () => {
        for (const peer of [dispatch, admins, statusQuery, health.dispatch, health.statusQuery]) peer.close();
      }),
      server,
    ],
    ports: () => ({ http: server.port, admin: admin.port }),
  });
}
