import { senderPhone } from "@wahub/domain";
import {
  commonConfig,
  type Config,
  type ConfigSchema,
  grpcServerConfig,
  integer,
  nonEmpty,
  port,
  secretText,
  url,
} from "@wahub/platform";

/** Every setting of this service; docs/config.md is generated from it. */
export const config = {
  ...commonConfig({ adminPort: 9102 }),
  GRPC_PORT: { parse: port, default: 50051, doc: "Port of the gRPC API." },
  ...grpcServerConfig,
  DATABASE_URL: { parse: url({ protocols: ["postgres:", "postgresql:"] }), secret: true, doc: "PostgreSQL." },
  DATABASE_POOL_MAX: {
    parse: integer({ min: 2, max: 200 }),
    default: 10,
    doc: "Most connections to PostgreSQL on which batches are stored.",
  },
  DATABASE_LOOPS_POOL_MAX: {
    parse: integer({ min: 2, max: 200 }),
    default: 5,
    doc: "Most connections to PostgreSQL for everything else: loops, keys, readiness. No batch can take them away.",
  },
  DATABASE_TIMEOUT_MS: {
    parse: integer({ min: 100, max: 600_000 }),
    default: 20_000,
    doc: "A statement without an answer for this long is given up: PostgreSQL may have vanished without a word.",
  },
  REDIS_URL: { parse: url({ protocols: ["redis:", "rediss:"] }), secret: true, doc: "Redis." },
  REDIS_PREFIX: { parse: nonEmpty, default: "wahub", doc: "Start of every key in Redis." },
  BOOTSTRAP_API_KEY: {
    parse: nonEmpty,
    optional: true,
    secret: true,
    doc: "Made a key of tenant `default` at start. Needed as long as the database holds no key.",
  },
  TWILIO_ACCOUNT_SID: {
    parse: nonEmpty,
    optional: true,
    doc: "The first Twilio account; declared together with its sender.",
  },
  TWILIO_WHATSAPP_FROM: {
    parse: senderPhone,
    optional: true,
    doc: "Number of the WhatsApp sender, with or without `whatsapp:`. Another one becomes the default from the next start.",
  },
  SENDER_MESSAGES_PER_SECOND: {
    parse: integer({ min: 1, max: 1000 }),
    default: 80,
    doc: "Speed of the declared sender. Twilio's default for WhatsApp is 80.",
  },
  PLAN_EVERY_MS: { parse: integer({ min: 10, max: 60_000 }), default: 200, doc: "How often messages are planned." },
  PLAN_HORIZON_MS: {
    parse: integer({ min: 100, max: 60_000 }),
    default: 1000,
    doc: "How much of a sender's time lies in Redis as jobs.",
  },
  REOFFER_AFTER_MS: {
    parse: integer({ min: 1000, max: 3_600_000 }),
    default: 15_000,
    doc: "A queued message that nobody claims for this long is offered again.",
  },
  PACE_RECOVERY_MS: {
    parse: integer({ min: 100, max: 86_400_000 }),
    default: 60_000,
    doc: "A sender or account that was too fast gets its speed back, from nothing to all of it, in this time. As for the senders.",
  },
  PROBE_LOST_AFTER_MS: {
    parse: integer({ min: 1000, max: 3_600_000 }),
    default: 30_000,
    doc: "A message that tries for a paused sender or account and is not heard of for this long: another one tries.",
  },
  FOLD_EVERY_MS: { parse: integer({ min: 10, max: 60_000 }), default: 250, doc: "How often counts are folded." },
  STREAM_OWNER_TIMEOUT_MS: {
    parse: integer({ min: 1000, max: 600_000 }),
    default: 15_000,
    doc: "A BulkSendStream without a sign of life for this long is dead; another call with its key goes on.",
  },
  STREAM_IDLE_TIMEOUT_MS: {
    parse: integer({ min: 1000, max: 3_600_000 }),
    default: 60_000,
    doc: "A BulkSendStream that brings nothing for this long is ended; sent again with its key it goes on.",
  },
  ABANDON_AFTER_S: {
    parse: integer({ min: 60, max: 30 * 86_400 }),
    default: 86_400,
    doc: "A stream that broke off and is not resumed for this long is discarded.",
  },
  SETTLE_AFTER_S: {
    parse: integer({ min: 1, max: 30 * 86_400 }),
    default: 86_400,
    doc: "A completed batch is settled after this long, whatever callbacks are still missing.",
  },
  RESEND_VALIDITY_S: {
    parse: integer({ min: 1, max: 36_000 }),
    default: 900,
    doc: "Batches that ask for a resend of unknown outcomes: Twilio gives each message up after this long (ValidityPeriod).",
  },
  AUDIT_EVERY_MS: {
    parse: integer({ min: 1000, max: 3_600_000 }),
    default: 60_000,
    doc: "How often batches that have finished, and a sample of the running ones, are audited.",
  },
  QUEUE_BOARD_PORT: {
    parse: port,
    optional: true,
    doc: "Port of bull-board at /queues, the operators' read-only view of the queues; unset means there is none.",
  },
  QUEUE_BOARD_KEY: {
    parse: secretText({ minLength: 16 }),
    optional: true,
    requiredWith: "QUEUE_BOARD_PORT",
    secret: true,
    doc: "What opens the board: the password in a browser (any user name) or `authorization: Bearer <key>`.",
  },
} satisfies ConfigSchema;

export type DispatchConfig = Config<typeof config>;
