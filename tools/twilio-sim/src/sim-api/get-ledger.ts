import type { RequestHandler } from "express";
import { WHATSAPP_PREFIX, withoutChannel } from "../messages/address.ts";
import { ledgerEntry } from "./ledger-entry.ts";
import { readPageQuery } from "./page-query.ts";
import type { Ledger } from "../messages/ledger.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { Runs } from "../run.ts";
import type { LedgerPage } from "./ledger-entry.ts";

/** GET /sim/ledger?offset=&limit=&to=: accepted messages in the order of acceptance. */
export function getLedger(runs: Runs): RequestHandler {
  return (req, res) => {
    const query = new URLSearchParams(req.url.split("?", 2)[1] ?? "");
    const page = readPageQuery(query, res);
    if (page === undefined) return;
    const { offset, limit } = page;
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
