import { status } from "@grpc/grpc-js";
import { HubError } from "@wahub/domain";
import type { Logger, Metrics } from "@wahub/platform";
import type { CallFacts } from "./call-facts.ts";

export type GatewayEvents = ReturnType<typeof createGatewayEvents>;

// What the caller cannot help and somebody here has to look at.
const ours = new Set<number>([status.INTERNAL, status.UNKNOWN, status.DATA_LOSS]);

/** What happens in this service, one function per event: metric and log line together. */
export function createGatewayEvents(log: Logger, metrics: Metrics) {
  const duration = metrics.histogram({
    name: "whatsapphub_gateway_request_duration_seconds",
    help: "How long requests took until the last byte of the answer, by door, route and gRPC status code.",
    labels: ["door", "route", "code"],
  });

  return {
    /** The access log: nothing of the request or the answer but its kind. */
    callEnded(facts: CallFacts, answer: { httpStatus: number; complete: boolean }): void {
      const { requestId, door, route } = facts;
      const elapsedMs = performance.now() - facts.startedAt;
      const number = codeOf(facts, answer.complete);
      const code = status[number] ?? "UNKNOWN";
      duration.observe({ door, route, code }, elapsedMs / 1000);
      const level = ours.has(number) ? "error" : code === "UNAVAILABLE" ? "warn" : "info";
      log[level]({
        event: "request_ended",
        door,
        route,
        code,
        httpStatus: answer.httpStatus,
        durationMs: Math.round(elapsedMs),
        requestId,
        ...why(facts.error, level !== "info"),
      });
    },
  };
}

function codeOf(facts: CallFacts, complete: boolean): number {
  // A connection that broke before the last byte: nobody has heard how the call ended.
  if (!complete) return status.CANCELLED;
  return facts.code ?? status.OK;
}

function why(error: unknown, withCause: boolean): Record<string, unknown> {
  if (error === undefined) return {};
  return error instanceof HubError && !withCause ? { reason: error.message } : { err: error };
}
