import type { AuditReport } from "./audit-all.ts";
import { auditFaults, type AuditFault } from "./audit-batches.ts";

/** The report for people: a line per fault, then the sum. */
export function auditTable({ batches, messages, faults }: AuditReport): string {
  const found =
    faults.length === 0 ? "nothing is wrong" : `${faults.length} ${faults.length === 1 ? "fault" : "faults"}`;
  const sum = `${batches} batches with ${messages} messages: ${found}`;
  return faults.length === 0 ? sum : [...lines(faults), "", sum].join("\n");
}

function lines(faults: readonly AuditFault[]): string[] {
  const rows = [
    { kind: "fault", batch: "batch", count: "messages", what: "what" },
    ...faults.map(({ kind, batchId, count }) => ({ kind, batch: batchId, count: `${count}`, what: auditFaults[kind] })),
  ];
  const width = (column: "kind" | "batch" | "count"): number => Math.max(...rows.map((row) => row[column].length));
  const [kind, batch, count] = [width("kind"), width("batch"), width("count")];
  return rows.map((row) =>
    [row.kind.padEnd(kind), row.batch.padEnd(batch), row.count.padStart(count), row.what].join("  "),
  );
}
