import { commonConfig, type Config, type ConfigSchema, integer, nonEmpty, port } from "@wahub/platform";

/** Largest body of a request, on every door; the services behind take messages of the same size. */
export const maxBodyBytes = 16 * 1024 * 1024;

/** Every setting of this service; docs/config.md is generated from it. */
export const config = {
  ...commonConfig({ adminPort: 9101 }),
  HTTP_PORT: { parse: port, default: 8080, doc: "Port of Connect, gRPC-Web, JSON and POST /bulk-send." },
  DISPATCH_URL: {
    parse: nonEmpty,
    default: "dns:///127.0.0.1:50051",
    doc: "Where dispatch is, as gRPC names it; `dns:///name:port` spreads calls over all addresses of the name.",
  },
  STATUS_QUERY_URL: {
    parse: nonEmpty,
    default: "dns:///127.0.0.1:50052",
    doc: "Where status-query is; as DISPATCH_URL.",
  },
  CALL_TIMEOUT_MS: {
    parse: integer({ min: 100, max: 600_000 }),
    default: 60_000,
    doc: "Longest a call that is no stream may take; a shorter deadline of the caller goes before.",
  },
} satisfies ConfigSchema;

export type GatewayConfig = Config<typeof config>;
