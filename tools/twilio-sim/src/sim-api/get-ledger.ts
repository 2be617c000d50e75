import type { RequestHandler } from "express";
import { WHATSAPP_PREFIX, withoutChannel } from "../messages/address.ts";
import { ledgerEntry } from "./ledger-entry.ts";
import { refuse } from "./refuse.ts";
import type { Ledger } from "../messages/ledger.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { Runs } from "../run.ts";
import type { LedgerPage } from "./ledger-entry.ts";

const MAX_LIMIT = 10_000;
const DEFAULT_LIMIT = 1_000;

/** GET /sim/ledger?offset=&limit=&to=: accepted messages in the order of acceptance. */
export function getLedger(runs: Runs): RequestHandler {
  return (req, res) => {
    const query = new URLSearchParams(req.url.split("?", 2)[1] ?? "");
    const offset = wholeOf(query.get("offset"), 0);
    const limit = wholeOf(query.get("limit"), DEFAULT_LIMIT);
    if (offset === undefined || limit === undefined || limit < 1 || limit > MAX_LIMIT) {
      refuse(res, [`offset must be a whole number, limit a whole number from 1 to ${MAX_LIMIT}`]);
      return;
    }
    const { ledger } = runs.current;
    const { total, records } = select(ledger, query.get("to"), offset, limit);
    const messages = records.map((record) => ledgerEntry(ledger, record));
    res.json({ total, offset, limit, messages } satisfies LedgerPage);
  };
}

function select(
  ledger: Ledger,
  to: string | null,
  offset: number,
  limit: number,
): { total: number; records: readonly MessageRecord[] } {
  if (to === null || to === "") return { total: ledger.size, records: ledger.slice(offset, limit) };
  const matching = [...ledger.newestFirst({ to: fullAddress(to) })].toReversed();
  return { total: matching.length, records: matching.slice(offset, offset + limit) };
}

/** Takes `whatsapp:+1555...`, `+1555...` and, because a plus sign in a query means a space, ` 1555...` too. */
function fullAddress(to: string): string {
  return WHATSAPP_PREFIX + withoutChannel(to).replace(/^ /, "+");
}

function wholeOf(text: string | null, fallback: number): number | undefined {
  if (text === null) return fallback;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
