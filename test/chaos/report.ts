import { EventSource, MessageStatus } from "@wahub/proto";
import type { Client } from "pg";
import { attemptOf, type FaultEntry, type LedgerEntry } from "./collect.ts";
import type { Finding, LedgerRow, MessageRow } from "./judge.ts";
import type { Struck } from "./storm.ts";
import { sourceWord, statusWord } from "./words.ts";

/** What was done to the processes and servers, by kind. */
export function blowTable(struck: readonly Struck[]): string {
  const byKind = Map.groupBy(struck, ({ blow }) => ("server" in blow ? `${blow.kind} ${blow.server}` : blow.kind));
  return table(
    ["blow", "times", "in vain"],
    [...byKind].toSorted(byName).map(([kind, blows]) => {
      const inVain = blows.filter(({ outcome }) => outcome !== "done").length;
      return [kind, `${blows.length - inVain}`, inVain === 0 ? "" : `${inVain}`];
    }),
  );
}

/** What went wrong at Twilio, by kind, and where the messages it befell have got to. */
export function faultTable(
  counts: Readonly<Record<string, number>>,
  faults: readonly FaultEntry[],
  rows: readonly MessageRow[],
): string {
  const rowById = new Map(rows.map((row) => [row.id, row]));
  const byFault = Map.groupBy(faults, ({ fault }) => fault);
  return table(
    ["fault of a request", "times", "what became of its messages"],
    Object.entries(counts)
      .toSorted(byName)
      .map(([fault, count]) => {
        const ends = (byFault.get(fault) ?? []).flatMap(({ statusCallback }) => {
          const row = statusCallback === null ? undefined : rowById.get(attemptOf(statusCallback).messageId);
          return row === undefined ? [] : [endOf(row)];
        });
        return [fault, `${count}`, tally(ends)];
      }),
  );
}

/** Where all messages have got to. */
export function endings(rows: readonly MessageRow[]): string {
  return tally(rows.map(endOf));
}

function endOf({ status, evidence, sid, errorCode }: MessageRow): string {
  if (evidence === EventSource.ASSUMED && sid === null) return "assumed sent";
  const word = statusWord(status);
  return errorCode === 0 ? word : `${word} ${errorCode}`;
}

/** How many attempts had no clear answer, and who said what became of them. */
export async function unknownSummary(database: Client): Promise<string> {
  const { rows } = await database.query<{ source: number; status: number; n: number }>(
    `with unclear as (select distinct message_id, attempt from message_event where status = ${MessageStatus.UNKNOWN})
     select first.source, first.status, count(*)::int as n
     from unclear u
     left join lateral (
       select e.source, e.status from message_event e
       where e.message_id = u.message_id and e.attempt = u.attempt
         and e.status not in (${MessageStatus.ACCEPTED}, ${MessageStatus.QUEUED}, ${MessageStatus.SENDING}, ${MessageStatus.UNKNOWN})
          or e.message_id = u.message_id and e.attempt = u.attempt and e.source = ${EventSource.LIST}
       order by e.at limit 1
     ) first on true
     group by 1, 2 order by 3 desc`,
  );
  const total = rows.reduce((sum, { n }) => sum + n, 0);
  const parts = rows.map(({ source, status, n }) =>
    source === null
      ? `${n} by nothing (it was sent anew, or ended otherwise)`
      : `${n} by ${sourceWord(source)} (${statusWord(status)})`,
  );
  return `${total} attempts without a clear answer; resolved: ${parts.join(", ") || "none"}`;
}

/** How many messages Twilio took, and how fast. */
export function throughput(ledger: readonly LedgerRow[], stormMs: number): string {
  return `Twilio took ${ledger.length} messages, ${(ledger.length / (stormMs / 1_000)).toFixed(1)} for each second of the storm`;
}

/** How many messages only Twilio's list could tell of: accepted without a clear answer, and no callback came through. */
export function listOnly(entries: readonly LedgerEntry[]): string {
  const isTold = ({ callbacks }: LedgerEntry) =>
    callbacks.some(({ result }) => typeof result === "number" && result >= 200 && result < 300);
  const alone = entries.filter((entry) => entry.faults.some((fault) => fault.startsWith("accepted")) && !isTold(entry));
  const late = alone.filter(({ faults }) => faults.includes("listLag")).length;
  return `${alone.length} accepted messages that only Twilio's list could tell of, ${late} of them late in it`;
}

/** One line per finding. */
export function findingLines(findings: readonly Finding[]): readonly string[] {
  return findings.map(
    ({ kind, batch, messageId, why }) => `${kind.toUpperCase()} in "${batch}": ${messageId ?? "-"}: ${why}`,
  );
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function tally(words: readonly string[]): string {
  const counts = [...Map.groupBy(words, (word) => word)].map(([word, { length }]) => ({ word, length }));
  return counts
    .toSorted((a, b) => b.length - a.length)
    .map(({ word, length }) => `${length} ${word}`)
    .join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
