import { unpackOutcome } from "../messages/callback-outcome.ts";
import type { CallbackOutcome } from "../messages/callback-outcome.ts";
import type { Ledger } from "../messages/ledger.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { MessageStatus } from "../messages/status.ts";

/** One accepted message as GET /sim/ledger shows it. Instants are ISO 8601 with milliseconds. */
export interface LedgerEntry {
  readonly sid: string;
  readonly to: string;
  readonly from: string;
  readonly body: string;
  readonly statusCallback: string | null;
  readonly acceptedAt: string;
  readonly status: MessageStatus;
  readonly errorCode: number | null;
  /** What befell it, by name, in the order in which it came. */
  readonly faults: readonly string[];
  readonly statusHistory: readonly { readonly status: MessageStatus; readonly at: string }[];
  /** Finished callbacks in the order in which they ended. */
  readonly callbacks: readonly CallbackOutcome[];
}

/** GET /sim/ledger. */
export interface LedgerPage {
  /** How many messages match, on all pages. */
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  readonly messages: readonly LedgerEntry[];
}

/** Spells a record out. */
export function ledgerEntry(ledger: Ledger, record: MessageRecord): LedgerEntry {
  const iso = (at: number): string => new Date(ledger.instant(at)).toISOString();
  const failed = record.status === "failed" || record.status === "undelivered" ? record.status : "failed";
  const moments: readonly (readonly [MessageStatus, number | null])[] = [
    ["queued", record.acceptedAt],
    ["sent", record.sentAt],
    [failed, record.failedAt],
    ["delivered", record.deliveredAt],
    ["read", record.readAt],
  ];
  return {
    sid: ledger.sidOf(record),
    to: record.to,
    from: record.from,
    body: record.body,
    statusCallback: record.statusCallback,
    acceptedAt: iso(record.acceptedAt),
    status: record.status,
    errorCode: record.errorCode,
    faults: record.faults ?? [],
    statusHistory: moments.flatMap(([status, at]) => (at === null ? [] : [{ status, at: iso(at) }])),
    callbacks: (record.callbacks ?? []).map(unpackOutcome),
  };
}
