import {
  commonConfig,
  grpcServerConfig,
  integer,
  nonEmpty,
  port,
  url,
  type Config,
  type ConfigSchema,
} from "@wahub/platform";

/** Every setting of this service; docs/config.md is generated from it. */
export const config = {
  ...commonConfig({ adminPort: 9105 }),
  GRPC_PORT: { parse: port, default: 50052, doc: "Port of the gRPC API." },
  ...grpcServerConfig,
  DATABASE_URL: { parse: url({ protocols: ["postgres:", "postgresql:"] }), secret: true, doc: "PostgreSQL." },
  DATABASE_POOL_MAX: { parse: integer({ min: 2, max: 200 }), default: 10, doc: "Most connections to PostgreSQL." },
  STATEMENT_TIMEOUT_MS: {
    parse: integer({ min: 100, max: 600_000 }),
    default: 15_000,
    doc: "A read that takes longer is given up.",
  },
  BOOTSTRAP_API_KEY: {
    parse: nonEmpty,
    optional: true,
    secret: true,
    doc: "Made a key of tenant `default` at start. Needed as long as the database holds no key.",
  },
  WATCH_EVERY_MS: {
    parse: integer({ min: 50, max: 60_000 }),
    default: 500,
    doc: "How often a watched batch is looked at.",
  },
  WATCHERS_MAX: {
    parse: integer({ min: 1, max: 100_000 }),
    default: 5000,
    doc: "Most streams of WatchBatch at once. They share one look at each batch.",
  },
  WATCHERS_PER_TENANT_MAX: {
    parse: integer({ min: 1, max: 100_000 }),
    default: 1000,
    doc: "Most streams of WatchBatch of one tenant at once.",
  },
} satisfies ConfigSchema;

export type StatusQueryConfig = Config<typeof config>;
