// What the tests of this package share. Not exported from the package.
import type { DescService } from "@bufbuild/protobuf";
import { HubError } from "@wahub/domain";
import { DispatchService, StatusService } from "@wahub/proto";
import {
  type Admit,
  createGrpcServer,
  type GrpcServer,
  type GrpcServerLimits,
  type GrpcService,
  type ServiceImplementation,
} from "./index.ts";
import { createLogger, type Logger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

export interface Caller {
  readonly tenantId: string;
}

/** A log that can be read: every line as the object it is. */
export function capturedLog(): { readonly log: Logger; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  };
  return { log: createLogger({ service: "test", level: "trace", write }), lines };
}

/** Accepts `Bearer good`. */
export async function authenticate(authorization: string | undefined): Promise<Caller> {
  if (authorization !== "Bearer good") throw new HubError("unauthenticated", "send a valid key");
  return { tenantId: "t1" };
}

export interface TestServer {
  readonly server: GrpcServer;
  readonly target: string;
  readonly lines: Record<string, unknown>[];
  readonly metrics: Metrics;
}

/** DispatchService without effect: everything is answered with nothing. */
export const idleDispatch = {
  bulkSend: async () => ({}),
  bulkSendStream: async () => ({}),
  pauseBatch: async () => ({}),
  resumeBatch: async () => ({}),
  cancelBatch: async () => ({}),
  resolveUnknown: async () => ({}),
} satisfies ServiceImplementation<typeof DispatchService, Caller>;

/** A server on a free port with the two services of the public API; each method can be given. */
export async function startGrpc(
  methods: {
    readonly dispatch?: Partial<ServiceImplementation<typeof DispatchService, Caller>>;
    readonly status?: Partial<ServiceImplementation<typeof StatusService, Caller>>;
    readonly more?: readonly GrpcService<DescService, Caller>[];
    readonly admit?: Admit<Caller>;
  },
  limits: GrpcServerLimits = {},
): Promise<TestServer> {
  const { log, lines } = capturedLog();
  const metrics = createMetrics({ service: "test" });
  const dispatch: ServiceImplementation<typeof DispatchService, Caller> = { ...idleDispatch, ...methods.dispatch };
  const status: ServiceImplementation<typeof StatusService, Caller> = {
    getMessage: async () => ({}),
    getBatch: async () => ({}),
    listMessages: async () => ({}),
    async *watchBatch() {},
    ...methods.status,
  };
  const server = createGrpcServer({
    ...limits,
    host: "127.0.0.1",
    port: 0,
    authenticate,
    ...(methods.admit === undefined ? {} : { admit: methods.admit }),
    log,
    metrics,
    services: [
      { service: DispatchService, implementation: dispatch },
      { service: StatusService, implementation: status },
      ...(methods.more ?? []),
    ],
  });
  await server.start();
  return { server, target: `127.0.0.1:${server.port}`, lines, metrics };
}

/** The error that the promise rejects with; throws if it does not. */
export async function thrown(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was expected to fail");
}
