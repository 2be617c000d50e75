import { createServer, type ServerResponse } from "node:http";
import type { Component } from "./app.ts";
import { listen } from "./listen.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { isReady, type Readiness, type ReadinessCheck, withTimeout } from "./readiness.ts";

export interface AdminServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** What the process needs for its work; see `readinessChecks`. */
  readonly readiness?: Readiness;
  readonly log: Logger;
  /** The longest that `readiness` may take. */
  readonly readinessTimeoutMs?: number;
}

export interface AdminServer extends Component {
  /** Known once started. */
  readonly port: number;
}

/**
 * The port for those who run the process; it asks for no credentials and tells no secrets.
 * - `/livez` 200 as long as the event loop runs;
 * - `/readyz` 200 or 503 with the named checks as JSON; not ready until every component of the app has started (the
 *   checks tell what is missing) and from the moment it begins to stop;
 * - `/metrics` for Prometheus.
 * Put it first in the app: it then answers while the others start and stop.
 */
export function createAdminServer(options: AdminServerOptions): AdminServer {
  const { metrics, readiness = () => [], log, readinessTimeoutMs = 2_000 } = options;
  let phase: "starting" | "running" | "stopping" = "starting";
  let port = options.port;

  const routes: Readonly<Record<string, (res: ServerResponse) => Promise<void> | void>> = {
    "/livez": (res) => reply(res, 200, "text/plain", "ok\n"),
    "/readyz": async (res) => {
      const checks = await readinessNow();
      const ready = isReady(checks);
      reply(res, ready ? 200 : 503, "application/json", `${JSON.stringify({ ready, checks })}\n`);
    },
    "/metrics": async (res) => reply(res, 200, metrics.registry.contentType, await metrics.registry.metrics()),
  };

  async function readinessNow(): Promise<readonly ReadinessCheck[]> {
    if (phase === "stopping") return [{ name: "process", ok: false, reason: phase }];
    // While it starts, the checks tell what it waits for.
    const process: ReadinessCheck[] = phase === "starting" ? [{ name: "process", ok: false, reason: phase }] : [];
    return [...process, ...(await checksNow())];
  }

  async function checksNow(): Promise<readonly ReadinessCheck[]> {
    try {
      return await withTimeout(Promise.resolve(readiness()), readinessTimeoutMs, "the readiness checks took too long");
    } catch (err) {
      log.warn({ event: "readiness_failed", err });
      return [{ name: "readiness", ok: false, reason: "the checks themselves failed" }];
    }
  }

  const server = createServer((req, res) => {
    const route = routes[(req.url ?? "").split("?", 1)[0] ?? ""];
    if (route === undefined) return reply(res, 404, "text/plain", "/livez, /readyz or /metrics\n");
    if (req.method !== "GET" && req.method !== "HEAD") return reply(res, 405, "text/plain", "GET only\n");
    Promise.resolve(route(res)).catch((err: unknown) => {
      log.error({ event: "admin_request_failed", err });
      reply(res, 500, "text/plain", "failed; see the log\n");
    });
  });

  return {
    name: "admin",
    get port() {
      return port;
    },
    async start() {
      port = await listen(server, "the admin server (ADMIN_PORT)", options.host, options.port);
    },
    appStarted() {
      phase = "running";
    },
    appStopping() {
      phase = "stopping";
    },
    async stop() {
      phase = "stopping";
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Nothing here is worth waiting for: whoever asks, asks again.
      server.closeAllConnections();
      await closed;
    },
  };
}

function reply(res: ServerResponse, status: number, type: string, body: string): void {
  if (res.headersSent) return;
  res.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  res.end(body);
}
