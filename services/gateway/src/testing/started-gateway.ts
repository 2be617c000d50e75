import { createLogger } from "@wahub/platform";
import { createGateway } from "../app.ts";
import type { GatewayConfig } from "../config.ts";

/** A real gateway on free ports in front of the target, with its log at hand. */
export async function startGateway(target: string, changes: Partial<GatewayConfig> = {}) {
  const lines: string[] = [];
  const gateway = createGateway(
    {
      HOST: "127.0.0.1",
      HTTP_PORT: 0,
      ADMIN_PORT: 0,
      LOG_LEVEL: "info",
      SHUTDOWN_TIMEOUT_MS: 5_000,
      DISPATCH_URL: target,
      STATUS_QUERY_URL: target,
      CALL_TIMEOUT_MS: 10_000,
      ...changes,
    },
    { log: createLogger({ service: "gateway", level: "info", write: (line) => lines.push(line) }) },
  );
  await gateway.start();
  const { http, admin } = gateway.ports();
  return {
    url: `http://127.0.0.1:${http}`,
    adminUrl: `http://127.0.0.1:${admin}`,
    /** Everything logged so far. */
    log: () => lines.join(""),
    stop: () => gateway.stop(),
  };
}

export type StartedGateway = Awaited<ReturnType<typeof startGateway>>;
