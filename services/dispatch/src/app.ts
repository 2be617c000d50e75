import {
  createAdminServer,
  createApp,
  createGrpcServer,
  createLogger,
  createLoop,
  createMetrics,
  createRequestRoom,
  letGo,
  readinessChecks,
  type App,
} from "@wahub/platform";
import { AdminService, DispatchService } from "@wahub/proto";
import { createEpoch, createJobProducer, createRedisConnection } from "@wahub/queue";
import { createAuthenticator, createStore, ensurePartitions } from "@wahub/store";
import { createAuditRound } from "./audit.ts";
import { createBootstrap } from "./bootstrap.ts";
import { createBulkSend } from "./bulk-send.ts";
import { createBulkSendStream } from "./bulk-send-stream.ts";
import { createCancelBatch } from "./cancel-batch.ts";
import { createCancelRound, createExpireRound } from "./close-waiting.ts";
import { createCountPausedRound } from "./count-paused.ts";
import type { DispatchConfig } from "./config.ts";
import { createDispatchEvents } from "./events.ts";
import { createFoldRound, createSettleOverdueRound } from "./fold.ts";
import { createListSenders } from "./list-senders.ts";
import { createPauseAccount } from "./pause-account.ts";
import { createPauseSender } from "./pause-sender.ts";
import { createResumeAccount } from "./resume-account.ts";
import { createResumeSender } from "./resume-sender.ts";
import { createPauseBatch } from "./pause-batch.ts";
import { createMeasureBacklogRound } from "./measure-backlog.ts";
import { createIntakeConnections } from "./intake-connections.ts";
import { createPlanRound } from "./plan.ts";
import { createQueueBoardServer } from "./queue-board.ts";
import { createResumeBatch } from "./resume-batch.ts";
import { createResolveUnknown } from "./resolve-unknown.ts";
import { createSweepRound } from "./sweep-batches.ts";

/** How often partitions are made ahead; they reach weeks into the future. */
const partitionsEveryMs = 3_600_000;

/** How often batches are looked for that were never finished. */
const sweepEveryMs = 5_000;

/** How often messages are looked for that are not to be sent any more; the claim refuses them anyway. */
const closeEveryMs = 500;

/** How often it is counted what is paused. */
const countPausedEveryMs = 5_000;

/** How often batches are looked for that wait in vain for callbacks. */
const settleOverdueEveryMs = 30_000;

/** How often the backlog is measured; whoever scales by it looks less often. */
const measureBacklogEveryMs = 5_000;

/** Share of the shutdown time that calls in flight may take; the rest is for what they stand on. */
const drainShare = 0.7;

/** The dispatch service: accepts batches, plans messages into Redis, counts and completes. */
export function createDispatch(config: DispatchConfig, overrides: { now?: () => Date } = {}): App {
  const now = overrides.now ?? (() => new Date());
  const log = createLogger({ service: "dispatch", level: config.LOG_LEVEL });
  const metrics = createMetrics({ service: "dispatch" });
  const events = createDispatchEvents(log, metrics);

  const openStore = (poolMax: number) =>
    createStore({
      databaseUrl: config.DATABASE_URL,
      applicationName: "dispatch",
      poolMax,
      queryTimeoutMs: config.DATABASE_TIMEOUT_MS,
    });
  const store = openStore(config.DATABASE_LOOPS_POOL_MAX);
  // Apart, because storing a batch may hold a connection for seconds: planning does not wait for that.
  const intakeStore = openStore(config.DATABASE_POOL_MAX);
  const connections = createIntakeConnections(intakeStore, config.DATABASE_POOL_MAX);
  const room = createRequestRoom();
  const redis = createRedisConnection(config.REDIS_URL, { role: "commands" });
  const producer = createJobProducer({ redis, prefix: config.REDIS_PREFIX });
  const epoch = createEpoch({ redis, prefix: config.REDIS_PREFIX });

  const admin = createAdminServer({
    host: config.HOST,
    port: config.ADMIN_PORT,
    metrics,
    log,
    readiness: readinessChecks(
      { postgresql: () => store.ping(), schema: () => store.requireSchema(), redis: () => redis.ping() },
      // Without Redis nothing is sent, but batches are accepted: no reason to send callers away.
      { optional: ["redis"] },
    ),
  });
  const loop = (name: string, everyMs: number, runOnce: Parameters<typeof createLoop>[0]["runOnce"]) =>
    createLoop({ name, everyMs, runOnce, log, metrics });
  const senderControl = { store, events, now, paceRecoveryMs: config.PACE_RECOVERY_MS };
  const server = createGrpcServer({
    host: config.HOST,
    port: config.GRPC_PORT,
    services: [
      {
        service: DispatchService,
        implementation: {
          bulkSend: createBulkSend({ store, connections, events, now, resendValidityS: config.RESEND_VALIDITY_S }),
          bulkSendStream: createBulkSendStream({
            store,
            connections,
            events,
            now,
            ownedForMs: config.STREAM_OWNER_TIMEOUT_MS,
            retryOpenMs: 250,
            idleTimeoutMs: config.STREAM_IDLE_TIMEOUT_MS,
            resendValidityS: config.RESEND_VALIDITY_S,
          }),
          pauseBatch: createPauseBatch({ store, events, now }),
          resumeBatch: createResumeBatch({ store, events, now }),
          cancelBatch: createCancelBatch({ store, events, now }),
          resolveUnknown: createResolveUnknown({ store, events, now }),
        },
      },
      {
        service: AdminService,
        implementation: {
          listSenders: createListSenders(senderControl),
          pauseSender: createPauseSender(senderControl),
          resumeSender: createResumeSender(senderControl),
          pauseAccount: createPauseAccount(senderControl),
          resumeAccount: createResumeAccount(senderControl),
        },
      },
    ],
    authenticate: createAuthenticator(store.pool),
    admit: ({ caller, bytes, values }, signal) => room.enter(caller.tenantId, { bytes, values }, signal),
    drainMs: config.SHUTDOWN_TIMEOUT_MS * drainShare,
    maxConnectionAgeMs: config.GRPC_MAX_CONNECTION_AGE_MS,
    maxConnectionAgeGraceMs: config.GRPC_MAX_CONNECTION_AGE_GRACE_MS,
    log,
    metrics,
  });
  const board = createQueueBoardServer({ config, log });

  return createApp({
    log,
    components: [
      admin,
      letGo("store", () => store.close()),
      letGo("intake_store", () => intakeStore.close()),
      letGo("redis", async () => {
        await producer.close();
        redis.disconnect();
      }),
      ...(board === undefined ? [] : [board]),
      createBootstrap({ config, store, now, log }),
      loop("partitions", partitionsEveryMs, async () =>
        events.partitionsMade(await ensurePartitions(store.pool, now())),
      ),
      loop(
        "plan",
        config.PLAN_EVERY_MS,
        createPlanRound({
          store,
          producer,
          epoch,
          events,
          now,
          horizonMs: config.PLAN_HORIZON_MS,
          reofferAfterMs: config.REOFFER_AFTER_MS,
          paceRecoveryMs: config.PACE_RECOVERY_MS,
          probeLostAfterMs: config.PROBE_LOST_AFTER_MS,
        }),
      ),
      loop("count_paused", countPausedEveryMs, createCountPausedRound({ store, events })),
      loop("fold_counts", config.FOLD_EVERY_MS, createFoldRound({ store, events, now })),
      loop("cancel_waiting", closeEveryMs, createCancelRound({ store, events, now })),
      loop("expire_waiting", closeEveryMs, createExpireRound({ store, events, now })),
      loop(
        "audit",
        config.AUDIT_EVERY_MS,
        createAuditRound({ store, events, now, settleAfterMs: config.SETTLE_AFTER_S * 1000 }),
      ),
      loop("measure_backlog", measureBacklogEveryMs, createMeasureBacklogRound({ store, events })),
      loop(
        "settle_overdue",
        settleOverdueEveryMs,
        createSettleOverdueRound({ store, events, now, settleAfterMs: config.SETTLE_AFTER_S * 1000 }),
      ),
      loop(
        "sweep_batches",
        sweepEveryMs,
        createSweepRound({ store, events, now, abandonAfterMs: config.ABANDON_AFTER_S * 1000 }),
      ),
      server,
    ],
    ports: () => ({ grpc: server.port, admin: admin.port, ...(board && { queueBoard: board.port }) }),
  });
}
