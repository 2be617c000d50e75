import type { BatchView } from "./hub-client.ts";

const LINE_EVERY_MS = 3_000;
const CLEAR_LINE = "\r\u001b[K";

export interface Progress {
  update(batch: BatchView, elapsedMs: number): void;
  /** Leaves the last state to be read. */
  done(): void;
}

/** One line that is rewritten in place on a terminal; elsewhere a line every few seconds. */
export function createProgress(output: NodeJS.WriteStream): Progress {
  let lastAt = Number.NEGATIVE_INFINITY;
  let line = "";
  return {
    update(batch, elapsedMs) {
      line = describe(batch, elapsedMs);
      if (output.isTTY) {
        output.write(`${CLEAR_LINE}${line}`);
      } else if (elapsedMs - lastAt >= LINE_EVERY_MS) {
        lastAt = elapsedMs;
        output.write(`${line}\n`);
      }
    },
    done() {
      output.write(output.isTTY ? "\n" : `${line}\n`);
    },
  };
}

/** How far the messages have come: whoever read one has also received it. */
export function describe({ total, counts }: BatchView, elapsedMs: number): string {
  const reached = (...statuses: string[]) =>
    counts.filter(({ status }) => statuses.includes(status)).reduce((sum, { count }) => sum + count, 0);
  const read = reached("read");
  const delivered = read + reached("delivered");
  const troubled = reached("failed", "undelivered", "canceled", "unknown");
  const submitted = delivered + reached("submitted", "sent", "failed", "undelivered", "canceled");
  const trouble = troubled > 0 ? ` · ${troubled} in trouble` : "";
  const seconds = (elapsedMs / 1_000).toFixed(1).padStart(5);
  return `${seconds} s   ${submitted} of ${total} sent out · ${delivered} delivered · ${read} read${trouble}`;
}
