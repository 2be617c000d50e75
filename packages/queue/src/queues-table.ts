import type { QueueCounts } from "./queue-counts.ts";

const headings = ["queue", "waiting", "active", "delayed", "failed", "prioritized", "paused"];

/** The counts for people: a line per queue, numbers aligned to the right. */
export function queuesTable(counts: readonly QueueCounts[]): string {
  const rows = counts.map((of) =>
    [of.queue, of.waiting, of.active, of.delayed, of.failed, of.prioritized, of.paused ? "yes" : "no"].map(String),
  );
  const widths = headings.map((_, column) => Math.max(...[headings, ...rows].map((row) => row[column]!.length)));
  return [headings, ...rows].map((row) => row.map((cell, at) => pad(cell, at, widths[at]!)).join("  ")).join("\n");
}

function pad(cell: string, column: number, width: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
