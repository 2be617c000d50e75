import type { BatchView, MessageView, TimelineStep } from "./hub-client.ts";
import type { LedgerEntry } from "./sim-ledger.ts";

const EXPECTED_STATUSES = new Set(["delivered", "read"]);

/** How many messages stand where, as a table. */
export function statusTable({ counts, total }: BatchView): string {
  const rows = counts
    .filter(({ count }) => count > 0)
    .map(({ status, errorCode, count }) => [
      errorCode === 0 ? status : `${status} (error ${errorCode})`,
      `${count}`,
      `${((100 * count) / total).toFixed(1)} %`,
    ]);
  return table([["status", "messages", "share"], ...rows, ["total", `${total}`, ""]]);
}

/** Messages per second between the first and the last answer of Twilio; undefined where there are fewer than two. */
export function submitRate(messages: readonly MessageView[]): number | undefined {
  const times = messages.flatMap(({ submittedAt }) => (submittedAt === undefined ? [] : [submittedAt.getTime()]));
  const spanMs = Math.max(...times) - Math.min(...times);
  return times.length < 2 || spanMs <= 0 ? undefined : ((times.length - 1) * 1_000) / spanMs;
}

/** One message's life, each step with the time since the first. */
export function timelineTable(steps: readonly TimelineStep[]): string {
  const startMs = steps[0]?.at.getTime() ?? 0;
  const rows = steps.map(({ at, status, source }) => [
    `+${((at.getTime() - startMs) / 1_000).toFixed(3)} s`,
    status,
    SOURCES[source] ?? source,
  ]);
  return table([["time", "status", "learned from"], ...rows]);
}

/**
 * What is wrong with how it ended, as sentences; none if all is well. The ledger is what the simulator accepted: each
 * recipient must be in it once, under the SID that the hub has.
 */
export function findFaults(
  batch: BatchView,
  messages: readonly MessageView[],
  ledger: readonly LedgerEntry[],
): string[] {
  const faults = batch.counts
    .filter(({ status, count }) => count > 0 && !EXPECTED_STATUSES.has(status))
    .map(({ status, errorCode, count }) => `${count} messages are ${status} (error code ${errorCode})`);
  if (!batch.settled) faults.push("the batch is not settled");
  if (messages.length !== batch.total) faults.push(`the hub lists ${messages.length} of ${batch.total} messages`);
  if (ledger.length !== batch.total)
    faults.push(`the simulator was sent ${ledger.length} messages, not ${batch.total}`);
  const recipientBySid = new Map(ledger.map(({ sid, to }) => [sid, to]));
  const strangers = messages.filter(({ twilioSid, recipient }) => recipientBySid.get(twilioSid) !== recipient);
  if (strangers.length > 0)
    faults.push(`${strangers.length} messages are not in the simulator's ledger as the hub has them`);
  const recipients = new Set(ledger.map(({ to }) => to));
  if (recipients.size !== ledger.length)
    faults.push(`${ledger.length - recipients.size} messages went to somebody twice`);
  return faults;
}

/** All but the area code and the last two digits is nobody's business, even here. */
export function maskPhone(phone: string): string {
  return `${phone.slice(0, 5)}${"·".repeat(Math.max(0, phone.length - 7))}${phone.slice(-2)}`;
}

const SOURCES: Readonly<Record<string, string>> = {
  hub: "the hub itself",
  response: "Twilio's answer",
  callback: "Twilio's signed callback",
};

/** Columns as wide as they need to be; all but the first and the words of the last line up at the right. */
function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number) =>
    /^[+\d]/.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(pad).join("   ")}`.trimEnd()).join("\n");
}
