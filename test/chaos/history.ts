import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Client } from "pg";
import { attemptOf, type FaultEntry, type LedgerEntry } from "./collect.ts";
import { sourceWord, statusWord } from "./words.ts";

export interface HistoryDeps {
  readonly database: Client;
  readonly ledger: readonly LedgerEntry[];
  readonly faults: readonly FaultEntry[];
  readonly logFolder: string;
}

const MAX_LOG_LINES = 60;

/** All that is known of one message, from its row to the log lines that name it. */
export async function tellHistory(messageId: string, deps: HistoryDeps): Promise<string> {
  const { database, ledger, faults, logFolder } = deps;
  const row = await all(database, "select * from message where id = $1", messageId);
  const events = await all(database, "select * from message_event where message_id = $1 order by at", messageId);
  const attempts = await all(
    database,
    "select * from message_attempt where message_id = $1 order by attempt",
    messageId,
  );
  const isOurs = (callback: string | null) => callback !== null && attemptOf(callback).messageId === messageId;
  return [
    section("row", row.map(plainly)),
    section("events", events.map(spelled)),
    section("closed attempts", attempts.map(plainly)),
    section(
      "ledger",
      ledger.filter(({ statusCallback }) => isOurs(statusCallback)).map((entry) => JSON.stringify(entry)),
    ),
    section(
      "faults at the simulator",
      faults.filter(({ statusCallback }) => isOurs(statusCallback)).map((entry) => JSON.stringify(entry)),
    ),
    section("log lines", await logLines(logFolder, messageId)),
  ].join("\n");
}

async function all(database: Client, text: string, id: string): Promise<Record<string, unknown>[]> {
  return (await database.query<Record<string, unknown>>(text, [id])).rows;
}

function section(title: string, lines: readonly string[]): string {
  return [`  ${title}:`, ...(lines.length === 0 ? ["none"] : lines).map((line) => `    ${line}`)].join("\n");
}

function plainly(row: Record<string, unknown>): string {
  const facts = Object.entries(row).filter(([, value]) => value !== null && value !== "" && !Buffer.isBuffer(value));
  return JSON.stringify(Object.fromEntries(facts));
}

function spelled(event: Record<string, unknown>): string {
  const { at, attempt, status, source, twilio_sid: sid, error_code: code } = event;
  const words = [statusWord(Number(status)), `by ${sourceWord(Number(source))}`, sid, code === 0 ? "" : code];
  return `${(at as Date).toISOString()} attempt ${String(attempt)} ${words.filter((word) => word !== "").join(" ")}`;
}

async function logLines(folder: string, id: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of (await readdir(folder)).toSorted()) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      if (line.includes(id) && found.length < MAX_LOG_LINES) found.push(`${name}: ${line}`);
    }
  }
  return found;
}
