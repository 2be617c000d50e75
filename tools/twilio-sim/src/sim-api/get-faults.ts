import type { RequestHandler } from "express";
import { readPageQuery } from "./page-query.ts";
import type { FaultEntry } from "../fault-log.ts";
import type { Runs } from "../run.ts";

/** GET /sim/faults. */
export interface FaultPage {
  /** How many are kept, on all pages. */
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  /** In the order in which they came; `at` is ISO 8601 with milliseconds. */
  readonly faults: readonly (Omit<FaultEntry, "at"> & { readonly at: string })[];
}

/** GET /sim/faults?offset=&limit=: which fault befell which request, accepted or not. */
export function getFaults(runs: Runs): RequestHandler {
  return (req, res) => {
    const page = readPageQuery(new URLSearchParams(req.url.split("?", 2)[1] ?? ""), res);
    if (page === undefined) return;
    const { faults } = runs.current;
    const entries = faults.slice(page.offset, page.limit);
    res.json({
      total: faults.size,
      ...page,
      faults: entries.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() })),
    } satisfies FaultPage);
  };
}
