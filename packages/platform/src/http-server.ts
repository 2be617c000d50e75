import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { Component } from "./app.ts";
import { listen } from "./listen.ts";
import type { Logger } from "./logger.ts";

export interface HttpServerOptions {
  /** For logs and errors. */
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  /** The variable that the port comes from, for the error when it is taken; HTTP_PORT by default. */
  readonly portVariable?: string;
  /** An express app or any other request listener. */
  readonly app: RequestListener;
  readonly log: Logger;
  /** How long `stop` waits for requests in flight. Shorter than SHUTDOWN_TIMEOUT_MS, which is for all components. */
  readonly drainMs?: number;
  /** Time for the headers of a request to arrive. */
  readonly headersTimeoutMs?: number;
  /** Time for a whole request, body included, to arrive. The answer may take longer. */
  readonly requestTimeoutMs?: number;
  /** How long an idle connection stays open; longer than that of a load balancer before it (often 60 s). */
  readonly keepAliveTimeoutMs?: number;
}

export interface HttpServer extends Component {
  /** Known once started. */
  readonly port: number;
  /** Aborted when the server begins to stop: answers without a natural end (streams) end themselves. */
  readonly stopping: AbortSignal;
}

const idleSweepMs = 100;

/**
 * An HTTP server that stops without cutting anybody off: it takes no more connections, lets requests in flight finish
 * (their answers say `connection: close`), closes idle connections, and cuts the rest at the drain deadline.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { name = "http", portVariable = "HTTP_PORT", app, log, drainMs = 10_000 } = options;
  const stopping = new AbortController();
  const inFlight = new Set<ServerResponse>();
  let port = options.port;

  const server = createServer(
    {
      headersTimeout: options.headersTimeoutMs ?? 15_000,
      requestTimeout: options.requestTimeoutMs ?? 60_000,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? 65_000,
    },
    (req, res) => {
      inFlight.add(res);
      res.once("close", () => inFlight.delete(res));
      if (stopping.signal.aborted) res.setHeader("connection", "close");
      app(req, res);
    },
  );

  return {
    name,
    stopping: stopping.signal,
    get port() {
      return port;
    },
    async start() {
      port = await listen(server, `the ${name} server (${portVariable})`, options.host, options.port);
    },
    async stop() {
      stopping.abort();
      for (const res of inFlight) if (!res.headersSent) res.setHeader("connection", "close");
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const sweep = setInterval(() => server.closeIdleConnections(), idleSweepMs);
      const deadline = setTimeout(() => {
        log.warn({ event: "http_drain_deadline", server: name, cut: inFlight.size });
        server.closeAllConnections();
      }, drainMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(deadline);
    },
  };
}
