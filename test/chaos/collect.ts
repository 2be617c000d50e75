import { MessageStatus, type BatchState, type EventSource } from "@wahub/proto";
import type { Stack } from "@wahub/stack";
import type { Client } from "pg";
import type { LedgerRow, MessageRow } from "./judge.ts";

/** One accepted message as the simulator's ledger shows it. */
export interface LedgerEntry {
  readonly sid: string;
  readonly to: string;
  readonly statusCallback: string;
  readonly acceptedAt: string;
  readonly status: string;
  readonly faults: readonly string[];
  readonly callbacks: readonly {
    readonly status: string;
    readonly result: number | string;
    readonly attempts: number;
  }[];
}

/** One fault that the simulator brought about. */
export interface FaultEntry {
  readonly fault: string;
  readonly at: string;
  readonly to: string | null;
  readonly statusCallback: string | null;
  readonly sid: string | null;
}

export interface BatchRow {
  readonly id: string;
  readonly state: BatchState;
  readonly total: number;
  readonly completedAt: Date | null;
  readonly settledAt: Date | null;
}

const PAGE = 10_000;

/** Every message, straight from the rows. */
export async function readRows(database: Client): Promise<readonly MessageRow[]> {
  const { rows } = await database.query<Omit<MessageRow, "status" | "evidence"> & { status: number; evidence: number }>(
    `select id, batch_id as "batchId", recipient, status, attempt, twilio_sid as sid, evidence, error_code as "errorCode"
     from message order by id`,
  );
  return rows.map((row) => ({ ...row, status: row.status as MessageStatus, evidence: row.evidence as EventSource }));
}

export async function readBatches(database: Client): Promise<readonly BatchRow[]> {
  const { rows } = await database.query<BatchRow>(
    `select id, state, total, completed_at as "completedAt", settled_at as "settledAt" from batch order by id`,
  );
  return rows;
}

export const readLedger = (stack: Stack): Promise<readonly LedgerEntry[]> => readPages(stack, "ledger", "messages");
export const readFaults = (stack: Stack): Promise<readonly FaultEntry[]> => readPages(stack, "faults", "faults");

/** What the judge needs to know of a ledger entry. */
export function toLedgerRow(entry: LedgerEntry): LedgerRow {
  const { messageId, attempt } = attemptOf(entry.statusCallback);
  return {
    sid: entry.sid,
    to: entry.to.replace("whatsapp:", ""),
    messageId,
    attempt,
    told: entry.callbacks
      .filter(({ result }) => typeof result === "number" && result >= 200 && result < 300)
      .map(({ status }) => MessageStatus[status.toUpperCase() as keyof typeof MessageStatus]),
  };
}

/** Our ids in a callback URL. */
export function attemptOf(statusCallback: string): { messageId: string; attempt: number } {
  const { searchParams } = new URL(statusCallback);
  return { messageId: searchParams.get("m") ?? "", attempt: Number(searchParams.get("a")) };
}

async function readPages<T>(stack: Stack, path: string, list: string): Promise<readonly T[]> {
  const entries: T[] = [];
  for (;;) {
    const response = await fetch(`${stack.urls.sim}/sim/${path}?offset=${entries.length}&limit=${PAGE}`);
    const page = (await response.json()) as { total: number } & Record<string, readonly T[]>;
    entries.push(...page[list]!);
    if (entries.length >= page.total) return entries;
  }
}
