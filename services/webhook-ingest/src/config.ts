import { commonConfig, type Config, integer, list, nonEmpty, port, url, type ConfigSchema } from "@wahub/platform";
import { readPublicWebhookUrl } from "@wahub/twilio/webhooks";

/** Every setting of this service; docs/config.md is generated from it. */
export const config = {
  ...commonConfig({ adminPort: 9104 }),
  HTTP_PORT: { parse: port, default: 8081, doc: "Port that Twilio's webhooks arrive at." },
  DATABASE_URL: { parse: url({ protocols: ["postgres:", "postgresql:"] }), secret: true, doc: "PostgreSQL." },
  DATABASE_POOL_MAX: { parse: integer({ min: 2, max: 200 }), default: 10, doc: "Most connections to PostgreSQL." },
  DATABASE_TIMEOUT_MS: {
    parse: integer({ min: 100, max: 600_000 }),
    default: 5_000,
    doc: "A statement without an answer for this long is given up: PostgreSQL may have vanished without a word.",
  },
  REDIS_URL: {
    parse: url({ protocols: ["redis:", "rediss:"] }),
    secret: true,
    optional: true,
    doc: "Redis, where senders keep outcomes while PostgreSQL is away; unset, what Twilio's list lacks stays unknown.",
  },
  REDIS_PREFIX: { parse: nonEmpty, default: "wahub", doc: "Start of every key in Redis." },
  TWILIO_ACCOUNT_SID: { parse: nonEmpty, doc: "The Twilio account whose webhooks are taken." },
  TWILIO_AUTH_TOKEN: {
    parse: list(nonEmpty),
    secret: true,
    doc: "Its auth token; a comma-separated list while a token rotates (any of them may have signed; the first one asks for lists).",
  },
  PUBLIC_WEBHOOK_URL: {
    parse: readPublicWebhookUrl,
    doc: "Base URL under which Twilio reaches this service; may have a path prefix. Signatures are verified over it.",
  },
  TWILIO_API_BASE_URL: {
    parse: url({ protocols: ["http:", "https:"] }),
    optional: true,
    doc: "Where Twilio's API is, for a simulator; unset means Twilio itself.",
  },
  TWILIO_TIMEOUT_MS: { parse: integer({ min: 100, max: 60_000 }), default: 15_000, doc: "Longest request to Twilio." },
  RECONCILE_EVERY_MS: {
    parse: integer({ min: 10, max: 60_000 }),
    default: 1_000,
    doc: "How often messages without a clear answer are looked for whose turn it is to be asked about.",
  },
  RECONCILE_AFTER_MS: {
    parse: integer({ min: 100, max: 3_600_000 }),
    default: 60_000,
    doc: "From the end of a message's lease until Twilio's list is first asked for it: the request or the list may be late.",
  },
  RECONCILE_SETTLE_MS: {
    parse: integer({ min: 100, max: 3_600_000 }),
    default: 60_000,
    doc: "Between the two looks at Twilio's list that both must lack a message before it goes out again; with RECONCILE_AFTER_MS at least 100 s, for as long may a dead connection still deliver.",
  },
  RECONCILE_CONCURRENCY: {
    parse: integer({ min: 1, max: 50 }),
    default: 4,
    doc: "Lists asked for at once: this service's share of the concurrency that Twilio grants the account.",
  },
  RECONCILE_DEADLINE_MS: {
    parse: integer({ min: 1_000, max: 86_400_000 }),
    default: 600_000,
    doc: "From the first look at a message in which Twilio gave no list: if none has given one by then, the batch's policy decides.",
  },
  LEASE_SWEEP_EVERY_MS: {
    parse: integer({ min: 10, max: 60_000 }),
    default: 5000,
    doc: "How often messages are looked for whose sender has not reported within its lease.",
  },
  PARKED_CALLBACK_DAYS: {
    parse: integer({ min: 1, max: 90 }),
    default: 7,
    doc: "How long a signed callback of a message that nobody knows is kept.",
  },
} satisfies ConfigSchema;

export type WebhookIngestConfig = Config<typeof config>;
