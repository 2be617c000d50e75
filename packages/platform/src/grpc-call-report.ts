import { status } from "@grpc/grpc-js";
import { HubError } from "@wahub/domain";
import { statusName } from "./grpc-errors.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

/** What is known of a call when it is over. */
export interface CallRecord {
  /** `whatsapphub.v1.DispatchService/BulkSend` */
  readonly method: string;
  readonly startedAt: number;
  readonly requestId: string;
  /** The status it ended with. */
  code?: number;
  /** What made it fail. */
  error?: unknown;
}

// What the caller cannot help and we have to look at.
const ours = new Set<number>([status.INTERNAL, status.UNKNOWN, status.DATA_LOSS]);
// Normal ends: done, and the client changed its mind.
const normal = new Set<number>([status.OK, status.CANCELLED]);

/** Writes down how each call ended, as one metric and one log line: no request, no caller, no text of the answer. */
export function createCallReport(options: {
  readonly log: Logger;
  readonly metrics: Metrics;
}): (record: CallRecord) => void {
  const duration = options.metrics.histogram({
    name: "whatsapphub_grpc_call_duration_seconds",
    help: "How long calls to this gRPC server took, by method and status code",
    labels: ["method", "code"],
  });
  return (record) => {
    const elapsedMs = performance.now() - record.startedAt;
    const code = record.code ?? status.UNKNOWN;
    duration.observe({ method: record.method, code: statusName(code) }, elapsedMs / 1_000);
    const level = ours.has(code) ? "error" : normal.has(code) ? "debug" : "warn";
    options.log[level]({
      event: "grpc_call",
      method: record.method,
      code: statusName(code),
      durationMs: Math.round(elapsedMs),
      requestId: record.requestId,
      ...reason(record.error, ours.has(code)),
    });
  };
}

function reason(error: unknown, isOurs: boolean): Record<string, unknown> {
  if (error === undefined) return {};
  // A refusal is explained by its text; a fault of ours by all there is, and so is a refusal that hides another error.
  if (error instanceof HubError && error.cause === undefined && !isOurs) return { reason: error.message };
  return { err: error };
}
