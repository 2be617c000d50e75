// What every process does: configuration, logs, metrics, its life from start to stop, its doors. Knows no message.
export { type AdminServer, type AdminServerOptions, createAdminServer } from "./admin-server.ts";
export { type App, type AppOptions, type Component, createApp, letGo } from "./app.ts";
export type { CallContext } from "./call-context.ts";
export { type CommonConfig, commonConfig, grpcServerConfig } from "./common-config.ts";
export {
  type Config,
  ConfigError,
  type ConfigKey,
  type ConfigRow,
  type ConfigSchema,
  describeConfig,
  loadConfig,
} from "./config.ts";
export {
  boolean,
  durationMs,
  durationSeconds,
  integer,
  list,
  nonEmpty,
  oneOf,
  port,
  secretText,
  string,
  url,
} from "./config-parsers.ts";
export { describeError, type ErrorDescription } from "./error-description.ts";
export { errorDetail, errorOfDetail, publicError } from "./error-detail.ts";
export { errorKindOf, type ErrorKindRow, errorKinds } from "./error-kinds.ts";
export type { CallOptions } from "./grpc-client-calls.ts";
export { type ClientMethod, createGrpcClient, type GrpcClient, type GrpcClientOptions } from "./grpc-client.ts";
export { createFairGate, type FairGate, type FairGateOptions } from "./fair-gate.ts";
export type { Admit, ArrivedMessage } from "./grpc-admission.ts";
export { fromGrpcError, toGrpcStatus } from "./grpc-errors.ts";
export type { MethodHandler, ServiceImplementation } from "./grpc-handlers.ts";
export {
  createGrpcServer,
  type GrpcServer,
  type GrpcServerLimits,
  type GrpcServerOptions,
  type GrpcService,
} from "./grpc-server.ts";
export { createHttpServer, type HttpServer, type HttpServerOptions } from "./http-server.ts";
export { listen, PortInUseError } from "./listen.ts";
export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  logLevels,
  type LogMethod,
} from "./logger.ts";
export { createLoop, type Loop, type LoopOptions, type LoopResult } from "./loop.ts";
export { createMetrics, type GaugeSpec, type HistogramSpec, type Metrics, type MetricSpec } from "./metrics.ts";
export { isReady, type Readiness, type ReadinessCheck, readinessChecks } from "./readiness.ts";
export { redact, redactText } from "./redaction.ts";
export { createRequestRoom, type RequestRoom, type RequestSize } from "./request-room.ts";
export { requestIdHeader, requestIdOf } from "./request-id.ts";
export { exitCodes, type ProcessLike, runService, type ServiceOptions } from "./run-service.ts";
export { createSparing } from "./sparing.ts";
export { tooLarge } from "./too-large.ts";
export { unreadable } from "./unreadable.ts";
export { countWireValues, maxValues, tooManyValues } from "./value-count.ts";
export { validate } from "./validation.ts";
export { createStartStep, waitUntil, type WaitOptions } from "./wait-until.ts";
export { type Place, placeIn, wireFaults } from "./wire-faults.ts";
