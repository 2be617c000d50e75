import type { RequestHandler } from "express";
import type { MessageStatus } from "../messages/status.ts";
import type { Runs } from "../run.ts";
import type { Scheduler } from "../scheduler.ts";
import type { CallbackCounts } from "../stats.ts";

/** GET /sim/stats: counters since the start or the last reset. */
export interface SimStats {
  readonly creates: number;
  readonly lists: number;
  readonly accepted: number;
  /** Refused requests by Twilio's error code. */
  readonly refused: Readonly<Record<string, number>>;
  /** What went wrong because a knob said so, by name. */
  readonly faults: Readonly<Record<string, number>>;
  /** Messages by their status now. */
  readonly statuses: Readonly<Record<MessageStatus, number>>;
  readonly callbacks: Readonly<CallbackCounts>;
  /** Steps of messages, and retries of callbacks, that wait for their time. */
  readonly waiting: number;
  /** Nothing waits and nothing is under way: what is in the ledger now is final. */
  readonly idle: boolean;
}

/** Creates the route. */
export function getStats(runs: Runs, scheduler: Scheduler): RequestHandler {
  return (_req, res) => {
    const { ledger, stats, faults } = runs.current;
    const { creates, lists, callbacks } = stats;
    res.json({
      creates,
      lists,
      accepted: ledger.size,
      refused: Object.fromEntries(stats.refused),
      faults: Object.fromEntries(faults.counts),
      statuses: ledger.countsByStatus,
      callbacks,
      waiting: scheduler.size,
      idle: scheduler.size === 0 && callbacks.pending === 0,
    } satisfies SimStats);
  };
}
