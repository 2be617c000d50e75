import { HubError } from "@wahub/domain";
import { createGrpcServer, createLogger, createMetrics, type ServiceImplementation } from "@wahub/platform";
import { DispatchService, StatusService } from "@wahub/proto";

type Stub = ServiceImplementation<typeof DispatchService, string> & ServiceImplementation<typeof StatusService, string>;

/** The one key that the stub knows. */
export const goodKey = "Bearer good-key";

/** Real gRPC, no database: both services on one port, each RPC answered by the handler that the test sets. */
export function createStubBackend(port = 0) {
  const handlers: { -readonly [K in keyof Stub]?: Stub[K] } = {};
  const server = createGrpcServer({
    host: "127.0.0.1",
    port,
    services: [
      {
        service: DispatchService,
        implementation: {
          bulkSend: (request, context) => (handlers.bulkSend ?? unset)(request, context),
          bulkSendStream: (requests, context) => (handlers.bulkSendStream ?? unset)(requests, context),
          pauseBatch: (request, context) => (handlers.pauseBatch ?? unset)(request, context),
          resumeBatch: (request, context) => (handlers.resumeBatch ?? unset)(request, context),
          cancelBatch: (request, context) => (handlers.cancelBatch ?? unset)(request, context),
          resolveUnknown: (request, context) => (handlers.resolveUnknown ?? unset)(request, context),
        },
      },
      {
        service: StatusService,
        implementation: {
          getMessage: (request, context) => (handlers.getMessage ?? unset)(request, context),
          getBatch: (request, context) => (handlers.getBatch ?? unset)(request, context),
          listMessages: (request, context) => (handlers.listMessages ?? unset)(request, context),
          watchBatch: (request, context) => (handlers.watchBatch ?? unset)(request, context),
        },
      },
    ],
    authenticate,
    log: createLogger({ service: "stub", level: "silent" }),
    metrics: createMetrics({ service: "stub" }),
    drainMs: 100,
  });
  return {
    /** Answers until the next test sets others. */
    handlers,
    reset(): void {
      for (const name of Object.keys(handlers)) delete handlers[name as keyof typeof handlers];
    },
    start: () => server.start(),
    stop: () => server.stop(),
    target: () => `127.0.0.1:${server.port}`,
  };
}

async function authenticate(authorization: string | undefined): Promise<string> {
  if (authorization === goodKey) return authorization;
  throw new HubError("unauthenticated", "the API key is not valid");
}

function unset(): never {
  throw new HubError("internal", "the test has set no handler");
}
