import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
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

/** A client that has called within this time may be calling again this very moment. */
const quietMs = 500;

const quietSweepMs = 50;

/**
 * An HTTP server that stops without cutting anybody off: it takes no more connections, goes on answering on those it has
 * and says with each answer that the connection closes with it, closes those on which nothing has come for a while, and
 * cuts the rest at the drain deadline.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { name = "http", portVariable = "HTTP_PORT", app, log, drainMs = 10_000 } = options;
  const stopping = new AbortController();
  const inFlight = new Set<ServerResponse>();
  const connections = trackConnections();
  let port = options.port;

  const server = createServer(
    {
      headersTimeout: options.headersTimeoutMs ?? 15_000,
      requestTimeout: options.requestTimeoutMs ?? 60_000,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? 65_000,
    },
    (req, res) => {
      inFlight.add(res);
      connections.began(req.socket);
      res.once("close", () => {
        inFlight.delete(res);
        connections.ended(req.socket);
      });
      if (stopping.signal.aborted) res.setHeader("connection", "close");
      app(req, res);
    },
  );
  server.on("connection", (socket) => connections.opened(socket));

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
      // Connections that the system has made and we have not taken yet would be reset: one whole turn takes them.
      await nextTurn();
      await nextTurn();
      const closed = stopListening(server);
      const sweep = setInterval(() => connections.closeQuiet(quietMs), quietSweepMs);
      connections.closeQuiet(quietMs);
      const deadline = setTimeout(() => {
        log.warn({ event: "http_drain_deadline", server: name, cut: inFlight.size });
        server.closeAllConnections();
      }, drainMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(deadline);
      server.close();
    },
  };
}

/**
 * Resolves when the last connection is gone. The server's own `close` would at once close every connection without a
 * request on it, and lose what its client has sent already and we have not read yet.
 */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => NetServer.prototype.close.call(server, () => resolve()));
}

interface Connection {
  /** Requests that are not answered yet. */
  requests: number;
  /** By the clock of `performance`, and how much had come by then. */
  quietSince: number;
  bytesRead: number;
}

/** Knows since when nothing has come on each connection. */
function trackConnections() {
  const connections = new Map<Socket, Connection>();
  return {
    opened(socket: Socket): void {
      connections.set(socket, { requests: 0, quietSince: performance.now(), bytesRead: 0 });
      socket.once("close", () => connections.delete(socket));
    },
    began(socket: Socket): void {
      connections.get(socket)!.requests += 1;
    },
    ended(socket: Socket): void {
      const connection = connections.get(socket);
      if (connection === undefined) return;
      connection.requests -= 1;
      connection.quietSince = performance.now();
      connection.bytesRead = socket.bytesRead;
    },
    closeQuiet(forMs: number): void {
      const before = performance.now() - forMs;
      for (const [socket, { requests, quietSince, bytesRead }] of connections) {
        // What has come since belongs to a request whose beginning is not complete yet.
        if (requests === 0 && quietSince < before && socket.bytesRead === bytesRead) socket.destroy();
      }
    },
  };
}
