import {
  createAdminServer,
  createApp,
  createHttpServer,
  createLogger,
  createLoop,
  createMetrics,
  letGo,
  readinessChecks,
  type App,
  type Logger,
} from "@wahub/platform";
import { createStore, measureUnresolved } from "@wahub/store";
import { createMessageList } from "@wahub/twilio";
import { createSignatureVerifier } from "@wahub/twilio/webhooks";
import { createAccountRests } from "./account-rests.ts";
import { createCallbackGroup } from "./callback-group.ts";
import type { WebhookIngestConfig } from "./config.ts";
import { createDeleteParkedRound } from "./delete-parked.ts";
import type { ReconcileTimes } from "./decide-unknown.ts";
import { isEarly } from "./early-look.ts";
import { createWebhookIngestEvents } from "./events.ts";
import { createHttpApp } from "./http-app.ts";
import { createReceiveStatus } from "./receive-status.ts";
import { createAbsenceCheck } from "./may-decide-absence.ts";
import { createReconcileRound } from "./reconcile.ts";
import { createLeaseSweepRound } from "./sweep-leases.ts";

/** How often parked callbacks are looked for that are past their expiry; they are kept for days. */
const deleteParkedEveryMs = 600_000;

/** How often it is measured how many messages are unknown. */
const measureUnresolvedEveryMs = 15_000;

/** Beside Twilio's list, for what a look asks PostgreSQL and Redis. */
const lookOverheadMs = 10_000;

/** Share of the shutdown time that requests in flight may take; the rest is for what they stand on. */
const drainShare = 0.7;

/** The webhook-ingest service: takes Twilio's callbacks, ends leases that have run out, finds out what nobody knows. */
export function createWebhookIngest(
  config: WebhookIngestConfig,
  overrides: { now?: () => Date; log?: Logger } = {},
): App {
  const now = overrides.now ?? (() => new Date());
  const log = overrides.log ?? createLogger({ service: "webhook-ingest", level: config.LOG_LEVEL });
  const metrics = createMetrics({ service: "webhook-ingest" });
  const events = createWebhookIngestEvents(log, metrics);

  const store = createStore({
    databaseUrl: config.DATABASE_URL,
    applicationName: "webhook-ingest",
    poolMax: config.DATABASE_POOL_MAX,
    // Twilio waits 15 s in all, its further tries included.
    connectTimeoutMs: 3_000,
    queryTimeoutMs: config.DATABASE_TIMEOUT_MS,
  });
  const verifier = createSignatureVerifier({
    accounts: [{ sid: config.TWILIO_ACCOUNT_SID, authTokens: config.TWILIO_AUTH_TOKEN }],
    publicWebhookUrl: config.PUBLIC_WEBHOOK_URL,
  });
  const callbacks = createCallbackGroup(store, { now, parkedDays: config.PARKED_CALLBACK_DAYS });

  const list = createMessageList({
    accounts: [{ sid: config.TWILIO_ACCOUNT_SID, authToken: config.TWILIO_AUTH_TOKEN[0]! }],
    apiBaseUrl: config.TWILIO_API_BASE_URL,
    maxConnections: config.RECONCILE_CONCURRENCY,
    requestTimeoutMs: config.TWILIO_TIMEOUT_MS,
  });

  const absence = createAbsenceCheck({ redisUrl: config.REDIS_URL, prefix: config.REDIS_PREFIX });

  const admin = createAdminServer({
    host: config.HOST,
    port: config.ADMIN_PORT,
    metrics,
    log,
    readiness: readinessChecks({ postgresql: () => store.ping(), schema: () => store.requireSchema() }),
  });
  const loop = (name: string, everyMs: number, runOnce: Parameters<typeof createLoop>[0]["runOnce"]) =>
    createLoop({ name, everyMs, runOnce, log, metrics });
  const server = createHttpServer({
    host: config.HOST,
    port: config.HTTP_PORT,
    app: createHttpApp({ receiveStatus: createReceiveStatus({ verifier, callbacks, events, now }), events }),
    drainMs: config.SHUTDOWN_TIMEOUT_MS * drainShare,
    log,
  });

  const times: ReconcileTimes = {
    afterMs: config.RECONCILE_AFTER_MS,
    settleMs: config.RECONCILE_SETTLE_MS,
    deadlineMs: config.RECONCILE_DEADLINE_MS,
  };
  if (isEarly(times)) events.looksAreEarly(times);

  return createApp({
    log,
    components: [
      admin,
      letGo("store", () => store.close()),
      loop("sweep_leases", config.LEASE_SWEEP_EVERY_MS, createLeaseSweepRound({ store, events, now })),
      letGo("list", () => list.close()),
      letGo("absence_check", async () => absence.close()),
      loop(
        "reconcile",
        config.RECONCILE_EVERY_MS,
        createReconcileRound({
          store,
          list,
          // Several looks fit before the deadline.
          rests: createAccountRests(() => performance.now(), Math.min(60_000, config.RECONCILE_DEADLINE_MS / 10)),
          mayDecideAbsence: absence.mayDecideAbsence,
          events,
          now,
          times,
          concurrency: config.RECONCILE_CONCURRENCY,
          heldForMs: list.longestMs + lookOverheadMs,
        }),
      ),
      loop("measure_unresolved", measureUnresolvedEveryMs, async () =>
        events.unresolvedMeasured(await measureUnresolved(store.pool), now()),
      ),
      loop("delete_parked", deleteParkedEveryMs, createDeleteParkedRound({ store, events, now })),
      // Requests that were cut off at the drain deadline may still have callbacks under way.
      letGo("callbacks", () => callbacks.drain()),
      server,
    ],
    ports: () => ({ http: server.port, admin: admin.port }),
  });
}
