import type { ReconcileTimes } from "./decide-unknown.ts";

/**
 * How long the kernel goes on sending what a connection that is closed, or whose process is dead, still had to send: Linux
 * gives such an orphan up after about 100 s without an answer (`tcp_orphan_retries`).
 */
const lingerMs = 100_000;

/**
 * Whether the second look at Twilio's list may come, counted from the end of the lease, while bytes of the request can still
 * arrive: what arrives after it is sent twice.
 */
export function isEarly({ afterMs, settleMs }: Pick<ReconcileTimes, "afterMs" | "settleMs">): boolean {
  return afterMs + settleMs < lingerMs;
}
