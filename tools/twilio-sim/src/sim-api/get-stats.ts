import type { RequestHandler } from "express";
import { refuse } from "./refuse.ts";
import type { Idleness } from "../idleness.ts";
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

/** Longest that an answer waits; a client that waits longer asks again. */
const maxWaitMs = 60_000;

/** Creates the route. With `waitIdleMs` it answers as soon as the simulator is idle, at the latest after that time. */
export function getStats(runs: Runs, scheduler: Scheduler, idleness: Idleness): RequestHandler {
  return (req, res) => {
    const asked = new URL(req.url, "http://sim").searchParams.get("waitIdleMs") ?? "0";
    const waitMs = /^\d{1,6}$/.test(asked) ? Number(asked) : Infinity;
    if (waitMs > maxWaitMs) {
      refuse(res, [`waitIdleMs must be a whole number up to ${maxWaitMs}`]);
      return;
    }
    const callOff = idleness.whenIdle(waitMs, () => res.json(statsNow()));
    res.on("close", callOff);
  };

  function statsNow(): SimStats {
    const { ledger, stats, faults } = runs.current;
    const { creates, lists, callbacks } = stats;
    return {
      creates,
      lists,
      accepted: ledger.size,
      refused: Object.fromEntries(stats.refused),
      faults: Object.fromEntries(faults.counts),
      statuses: ledger.countsByStatus,
      callbacks,
      waiting: scheduler.size,
      idle: idleness.isIdle,
    };
  }
}
