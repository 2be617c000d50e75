import {
  commonConfig,
  durationMs,
  durationSeconds,
  integer,
  list,
  nonEmpty,
  url,
  type Config,
  type ConfigSchema,
} from "@wahub/platform";
import { defaultMaxMb } from "@wahub/spool";
import { readPublicWebhookUrl } from "@wahub/twilio/webhooks";

/** Every setting of this service; docs/config.md is generated from it. */
export const config = {
  ...commonConfig({ adminPort: 9103 }),
  DATABASE_URL: { parse: url({ protocols: ["postgres:", "postgresql:"] }), secret: true, doc: "PostgreSQL." },
  DATABASE_POOL_MAX: { parse: integer({ min: 2, max: 200 }), default: 10, doc: "Most connections to PostgreSQL." },
  DATABASE_TIMEOUT_MS: {
    parse: integer({ min: 100, max: 600_000 }),
    default: 10_000,
    doc: "A statement without an answer for this long is given up: PostgreSQL may have vanished without a word.",
  },
  REDIS_URL: { parse: url({ protocols: ["redis:", "rediss:"] }), secret: true, doc: "Redis." },
  REDIS_PREFIX: { parse: nonEmpty, default: "wahub", doc: "Start of every key in Redis." },
  SPOOL_MAX_MB: {
    parse: integer({ min: 1, max: 1024 }),
    default: defaultMaxMb,
    doc: "Most megabytes of outcomes that Redis keeps while PostgreSQL is away.",
  },
  TWILIO_ACCOUNT_SID: { parse: nonEmpty, doc: "The Twilio account that sends." },
  TWILIO_AUTH_TOKEN: {
    parse: list(nonEmpty),
    secret: true,
    doc: "Its auth token; a comma-separated list while a token rotates (the first one sends).",
  },
  TWILIO_API_BASE_URL: {
    parse: url({ protocols: ["http:", "https:"] }),
    optional: true,
    doc: "Where Twilio's API is, for a simulator; unset means Twilio itself.",
  },
  PUBLIC_WEBHOOK_URL: {
    parse: readPublicWebhookUrl,
    doc: "Base URL under which Twilio reaches webhook-ingest; may have a path prefix.",
  },
  SENDER_CONCURRENCY: {
    parse: integer({ min: 1, max: 1000 }),
    default: 64,
    doc: "Messages in hand at once, which is also the most connections to Twilio.",
  },
  TWILIO_TIMEOUT_MS: { parse: integer({ min: 100, max: 60_000 }), default: 15_000, doc: "Longest request to Twilio." },
  LEASE_MS: {
    parse: integer({ min: 1000, max: 600_000 }),
    default: 60_000,
    doc: "How long a claimed message belongs to its sender; afterwards its outcome is unknown.",
  },
  SEND_WINDOW_MS: {
    parse: integer({ min: 100, max: 300_000 }),
    default: 10_000,
    doc: "Latest start of the request, counted from before the claim. SEND_WINDOW_MS + TWILIO_TIMEOUT_MS < LEASE_MS.",
  },
  MAX_HOLD_MS: {
    parse: integer({ min: 0, max: 10_000 }),
    default: 2_000,
    doc: "A message that must wait longer than this for its limits goes back to the database.",
  },
  RECIPIENT_LIMIT_MAX: {
    parse: integer({ min: 1, max: 10_000 }),
    default: 50,
    doc: "Most messages to one recipient in any window.",
  },
  RECIPIENT_LIMIT_WINDOW_S: { parse: integer({ min: 1, max: 86_400 }), default: 3600, doc: "Length of that window." },
  SEND_RETRY_DELAYS_S: {
    parse: list(durationSeconds),
    default: [60, 120, 300],
    doc: "Waits before the retries of a message that failed for a passing reason; as many entries as retries.",
  },
  THROTTLED_WAIT_MS: {
    parse: durationMs,
    default: 4_000,
    doc: "Wait of a message after Twilio said `too many requests` without saying how long; its sender or account rests longer the slower it has become.",
  },
  PACE_RECOVERY_MS: {
    parse: integer({ min: 100, max: 86_400_000 }),
    default: 60_000,
    doc: "A sender or account that was too fast gets its speed back, from nothing to all of it, in this time. As for dispatch.",
  },
  PAUSED_WAIT_MS: {
    parse: integer({ min: 100, max: 86_400_000 }),
    default: 60_000,
    doc: "How long a sender or account that paused by itself waits before one message tries; twice as long after each try in vain.",
  },
  PAUSED_WAIT_MAX_MS: {
    parse: integer({ min: 100, max: 86_400_000 }),
    default: 3_600_000,
    doc: "The longest of these waits.",
  },
  BREAKER_UNKNOWNS: {
    parse: integer({ min: 1, max: 10_000 }),
    default: 10,
    doc: "So many requests of an account in a row without a clear answer, or without a connection, pause it.",
  },
} satisfies ConfigSchema;

export type SenderConfig = Config<typeof config>;
