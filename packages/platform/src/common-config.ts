import type { Config, ConfigSchema } from "./config.ts";
import { durationMs, integer, nonEmpty, oneOf, port } from "./config-parsers.ts";
import { logLevels } from "./logger.ts";

/** What every service can be told; spread into its own schema. `adminPort` differs from service to service. */
export function commonConfig(defaults: { readonly adminPort: number }) {
  return {
    HOST: { parse: nonEmpty, default: "0.0.0.0", doc: "Address that every port of the process listens on." },
    ADMIN_PORT: {
      parse: port,
      default: defaults.adminPort,
      doc: "Port of /livez, /readyz and /metrics; 0 takes any free one.",
    },
    LOG_LEVEL: { parse: oneOf(...logLevels), default: "info", doc: `Least level to log: ${logLevels.join(", ")}.` },
    // Below the 30 s that Kubernetes waits between SIGTERM and SIGKILL, so that the log still says what hung.
    SHUTDOWN_TIMEOUT_MS: {
      parse: integer({ min: 1, max: 600_000 }),
      default: 25_000,
      doc: "How long a graceful stop may take before the process ends itself with exit code 1.",
    },
  } satisfies ConfigSchema;
}

/** The values of `commonConfig`. */
export type CommonConfig = Config<ReturnType<typeof commonConfig>>;

/** What a service with a gRPC port can be told besides; spread into its schema. */
export const grpcServerConfig = {
  GRPC_MAX_CONNECTION_AGE_MS: {
    parse: integer({ min: 1000, max: 2_147_483_647 }),
    default: 300_000,
    doc: "Age at which a connection is retired, so that clients look for new replicas; calls on it go on.",
  },
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: {
    parse: durationMs,
    default: 86_400_000,
    doc: "How long calls may go on, on a connection that is retired; streams that are still open then are ended.",
  },
} satisfies ConfigSchema;
