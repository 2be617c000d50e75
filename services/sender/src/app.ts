import {
  ConfigError,
  createAdminServer,
  createApp,
  createLogger,
  createLoop,
  createMetrics,
  createStartStep,
  letGo,
  readinessChecks,
  type App,
} from "@wahub/platform";
import { createRedisLimiter } from "@wahub/limits";
import { createJobConsumer, createRedisConnection } from "@wahub/queue";
import { createSpool, outcomeSpool } from "@wahub/spool";
import { createGroupCommit, createStore } from "@wahub/store";
import { createTwilioProvider } from "@wahub/twilio";
import { createActOnOutcome, type ActPolicy } from "./act-on-outcome.ts";
import type { SenderConfig } from "./config.ts";
import { createDrainOutcomesRound } from "./drain-outcomes.ts";
import { createSenderEvents } from "./events.ts";
import { createMessageGroups } from "./message-groups.ts";
import { createRecordOutcome } from "./record-outcome.ts";
import { createSendMessage } from "./send-message.ts";

/** Share of the shutdown time that jobs in hand may take; the rest is for what they stand on. */
const drainShare = 0.7;

/** Of the wait of a throttled message; at half speed its sender or account rests for twice this share. */
const restShare = 0.25;

/** How often outcomes are looked for that wait in the spool. */
const drainOutcomesEveryMs = 1_000;

/** Most outcomes appended to the spool at once. */
const spooledPerCall = 200;

/** The sender service: takes jobs, waits for each message's turn, claims, sends, records. */
export function createSender(config: SenderConfig, overrides: { now?: () => Date; random?: () => number } = {}): App {
  refuseShortLease(config);
  const now = overrides.now ?? (() => new Date());
  const random = overrides.random ?? Math.random;
  const log = createLogger({ service: "sender", level: config.LOG_LEVEL });
  const metrics = createMetrics({ service: "sender" });
  const events = createSenderEvents(log, metrics);

  const store = createStore({
    databaseUrl: config.DATABASE_URL,
    applicationName: "sender",
    poolMax: config.DATABASE_POOL_MAX,
    queryTimeoutMs: config.DATABASE_TIMEOUT_MS,
  });
  const redis = createRedisConnection(config.REDIS_URL, { role: "commands" });
  const limiter = createRedisLimiter({
    redis,
    prefix: config.REDIS_PREFIX,
    recipientLimit: { max: config.RECIPIENT_LIMIT_MAX, windowMs: config.RECIPIENT_LIMIT_WINDOW_S * 1000 },
  });
  // A connection of its own: an append waits for Redis's disk, and nothing behind it moves meanwhile.
  const spoolRedis = createRedisConnection(config.REDIS_URL, { role: "commands", name: "spool" });
  const spool = createSpool({
    redis: spoolRedis,
    prefix: config.REDIS_PREFIX,
    name: outcomeSpool,
    maxMb: config.SPOOL_MAX_MB,
  });
  const provider = createTwilioProvider({
    accounts: [{ sid: config.TWILIO_ACCOUNT_SID, authToken: config.TWILIO_AUTH_TOKEN[0]! }],
    apiBaseUrl: config.TWILIO_API_BASE_URL,
    publicWebhookUrl: config.PUBLIC_WEBHOOK_URL,
    maxConnections: config.SENDER_CONCURRENCY,
    requestTimeoutMs: config.TWILIO_TIMEOUT_MS,
    onUnknownCode: (code, httpStatus) => events.unknownCode(code, httpStatus),
  });
  const groups = createMessageGroups(store, { now, leaseMs: config.LEASE_MS });
  const sendMessage = createSendMessage({
    ...groups,
    limiter,
    provider,
    events,
    now,
    random,
    policy: {
      retry: { delaysMs: config.SEND_RETRY_DELAYS_S.map((seconds) => seconds * 1000) },
      throttledMs: config.THROTTLED_WAIT_MS,
    },
    actOnOutcome: createActOnOutcome({ store, events, now, random, policy: actPolicyOf(config) }),
    recordOutcome: createRecordOutcome({
      outcomes: groups.outcomes,
      spooled: createGroupCommit<Uint8Array, void>({
        write: async (facts) => {
          await spool.append(facts);
          return [];
        },
        maxItems: spooledPerCall,
        maxConcurrent: 1,
      }),
      events,
      now,
      recordForMs: config.LEASE_MS,
    }),
    maxHoldMs: config.MAX_HOLD_MS,
    sendWindowMs: config.SEND_WINDOW_MS,
    deferForMs: config.LEASE_MS,
  });
  const consumer = createJobConsumer({
    redisUrl: config.REDIS_URL,
    prefix: config.REDIS_PREFIX,
    concurrency: config.SENDER_CONCURRENCY,
    handle: sendMessage,
    onError: (error, jobId) => (jobId === undefined ? events.queueTrouble(error) : events.jobFailed(error, jobId)),
    drainTimeoutMs: config.SHUTDOWN_TIMEOUT_MS * drainShare,
  });

  const admin = createAdminServer({
    host: config.HOST,
    port: config.ADMIN_PORT,
    metrics,
    log,
    readiness: readinessChecks({
      postgresql: () => store.ping(),
      schema: () => store.requireSchema(),
      redis: () => redis.ping(),
    }),
  });

  return createApp({
    log,
    components: [
      admin,
      letGo("store", () => store.close()),
      letGo("redis", async () => {
        redis.disconnect();
        spoolRedis.disconnect();
      }),
      letGo("provider", () => provider.close()),
      // Before, no job could be claimed.
      createStartStep({ name: "schema", log, run: () => store.requireSchema() }),
      createLoop({
        name: "drain_outcomes",
        everyMs: drainOutcomesEveryMs,
        runOnce: createDrainOutcomesRound({ spool, store, events, now }),
        log,
        metrics,
      }),
      { name: "jobs", start: () => consumer.start(), stop: () => consumer.stop() },
    ],
    ports: () => ({ admin: admin.port }),
  });
}

function actPolicyOf(config: SenderConfig): ActPolicy {
  return {
    probeWaits: { firstMs: config.PAUSED_WAIT_MS, maxMs: config.PAUSED_WAIT_MAX_MS },
    restMs: config.THROTTLED_WAIT_MS * restShare,
    paceRecoveryMs: config.PACE_RECOVERY_MS,
    breakerUnknowns: config.BREAKER_UNKNOWNS,
  };
}

/** A request must have ended before its lease does, or two senders could hold one message. */
function refuseShortLease(config: SenderConfig): void {
  if (config.SEND_WINDOW_MS + config.TWILIO_TIMEOUT_MS < config.LEASE_MS) return;
  throw new ConfigError([
    `LEASE_MS is ${config.LEASE_MS}: must be more than SEND_WINDOW_MS + TWILIO_TIMEOUT_MS, ` +
      `which are ${config.SEND_WINDOW_MS + config.TWILIO_TIMEOUT_MS}`,
  ]);
}
