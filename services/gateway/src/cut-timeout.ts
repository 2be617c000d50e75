import type { IncomingHttpHeaders } from "node:http";

/** 24 days: a timer of Node cannot wait for 25, and ends at once when it is told to. */
const longestMs = 24 * 86_400_000;

const unitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Cuts the time that a caller gives its call to what timers can wait; what is no time is left to the library to refuse. */
export function cutTimeout(headers: IncomingHttpHeaders): void {
  if (Number(headers["connect-timeout-ms"]) > longestMs) headers["connect-timeout-ms"] = String(longestMs);
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(headers["grpc-timeout"])) ?? [];
  if (Number(digits) * unitsMs[unit]! > longestMs) headers["grpc-timeout"] = `${longestMs / 1000}S`;
}
