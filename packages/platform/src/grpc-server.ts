import type { DescService } from "@bufbuild/protobuf";
import { Server, ServerCredentials, setLogger } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { Component } from "./app.ts";
import type { Admit } from "./grpc-admission.ts";
import { type CallDesk, createCallDesk } from "./grpc-calls.ts";
import { bytesHandlers, type ServiceImplementation } from "./grpc-handlers.ts";
import { bytesMethod, defaultMaxMessageBytes } from "./grpc-method.ts";
import { addReflection } from "./grpc-reflection.ts";
import { PortInUseError } from "./listen.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** A generated service and who answers its calls. */
export interface GrpcService<S extends DescService, Caller = undefined> {
  readonly service: S;
  readonly implementation: ServiceImplementation<S, Caller>;
}

/** How much and how long; every one has a default. */
export interface GrpcServerLimits {
  /** Largest message taken or sent; a larger one is answered RESOURCE_EXHAUSTED, which names both sizes. */
  readonly maxMessageBytes?: number;
  /** How long `stop` waits for calls in flight. Shorter than SHUTDOWN_TIMEOUT_MS, which is for all components. */
  readonly drainMs?: number;
  /** How often a silent connection is asked whether it still stands, and how long it may take to say so. */
  readonly keepaliveTimeMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** Age at which a connection is retired (calls on it finish), so that clients find new replicas: 5 minutes. */
  readonly maxConnectionAgeMs?: number;
  /** How long calls on a retired connection may go on; what is still open then is ended: a day. */
  readonly maxConnectionAgeGraceMs?: number;
}

export interface GrpcServerOptions<
  Services extends readonly DescService[],
  Caller = undefined,
> extends GrpcServerLimits {
  readonly host: string;
  readonly port: number;
  readonly services: { readonly [I in keyof Services]: GrpcService<Services[I], NoInfer<Caller>> };
  /**
   * Turns the `authorization` metadata into the caller that handlers see, or throws HubError `unauthenticated`. Asked
   * before anything of the request is read. Without it everybody is let in, and `caller` is undefined. (Written in
   * place, its parameter needs its type spelled out, or TypeScript does not find the type of `caller`.)
   */
  readonly authenticate?: (authorization: string | undefined) => Promise<Caller>;
  /** Asked for each message of a request before it is read; without it everything is read at once. */
  readonly admit?: Admit<NoInfer<Caller>>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface GrpcServer extends Component {
  /** Known once started. */
  readonly port: number;
}

// After a forced end: time for the last statuses to leave and for handlers to notice.
const forcedEndGraceMs = 500;

/**
 * A gRPC server on generated descriptors: authentication, validation, errors with details, deadlines and cancellation,
 * health and reflection, a metric and a log line per call. `stop` reports NOT_SERVING first, lets calls in flight
 * finish until the drain deadline, and ends the rest with UNAVAILABLE.
 */
export function createGrpcServer<const Services extends readonly DescService[], Caller = undefined>(
  options: GrpcServerOptions<Services, Caller>,
): GrpcServer {
  const { log, drainMs = 10_000 } = options;
  const services = options.services as unknown as readonly GrpcService<DescService, never>[];
  const desk: CallDesk<unknown> = createCallDesk<unknown>({
    authenticate: options.authenticate ?? (() => Promise.resolve(undefined)),
    log,
    metrics: options.metrics,
  });
  // The desk hands on what `authenticate` has made: it is the Caller.
  const admit = options.admit as Admit<unknown> | undefined;
  logThrough(log);
  const server = new Server({ ...channelOptions(options), interceptors: [desk.interceptor] });
  for (const { service, implementation } of services) {
    const definition = Object.fromEntries(service.methods.map((method) => [method.localName, bytesMethod(method)]));
    server.addService(definition, bytesHandlers(service, implementation, desk, admit));
  }
  const health = new HealthImplementation();
  health.addToServer(server);
  addReflection(
    server,
    services.map(({ service }) => service),
  );
  let port = options.port;

  function report(status: "SERVING" | "NOT_SERVING"): void {
    for (const name of ["", ...services.map(({ service }) => service.typeName)]) health.setStatus(name, status);
  }

  function announceStop(): void {
    report("NOT_SERVING");
    desk.announceStop();
  }

  return {
    name: "grpc",
    get port() {
      return port;
    },
    async start() {
      port = await bind(server, options.host, options.port);
      report("SERVING");
    },
    appStopping: announceStop,
    async stop() {
      announceStop();
      // Whoever watches our health gets to read NOT_SERVING before the stream ends.
      await new Promise((resolve) => setImmediate(resolve));
      desk.endProbes();
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      const done = Promise.all([closed, desk.idle()]);
      if (await settlesWithin(done, drainMs)) return;
      log.warn({ event: "grpc_drain_deadline", cut: desk.endAll() });
      await settlesWithin(done, forcedEndGraceMs);
      server.forceShutdown();
    },
  };
}

function channelOptions(options: GrpcServerLimits) {
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  return {
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.keepalive_time_ms": options.keepaliveTimeMs ?? 60_000,
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs ?? 20_000,
    "grpc.max_connection_age_ms": options.maxConnectionAgeMs ?? 300_000,
    "grpc.max_connection_age_grace_ms": options.maxConnectionAgeGraceMs ?? 86_400_000,
  };
}

// grpc-js writes plain text to stderr unless it is given something with the methods of console; it has one such for the
// whole process. All that it says there reaches us as an error too.
function logThrough(log: Logger): void {
  const write = (text: unknown): void => log.debug({ event: "grpc_library", note: String(text) });
  setLogger({ error: write, info: write, debug: write });
}

function bind(server: Server, host: string, port: number): Promise<number> {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) return resolve(bound);
      // grpc-js wraps what went wrong into one text.
      const inUse = error.message.includes("EADDRINUSE");
      reject(inUse ? new PortInUseError("the gRPC server (GRPC_PORT)", host, port, error) : error);
    });
  });
}

async function settlesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
