import express, { Router } from "express";
import type { ErrorRequestHandler } from "express";
import { getFaults } from "./get-faults.ts";
import { getLedger } from "./get-ledger.ts";
import { getStats } from "./get-stats.ts";
import { refuse } from "./refuse.ts";
import type { Idleness } from "../idleness.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { Logger } from "../logger.ts";
import type { Runs } from "../run.ts";
import type { Scheduler } from "../scheduler.ts";

interface Deps {
  readonly runs: Runs;
  readonly knobs: KnobBoard;
  readonly timelineScheduler: Scheduler;
  readonly idleness: Idleness;
  /** Forgets messages, counters and callbacks under way, and puts the knobs back. */
  readonly reset: () => void;
  readonly log: Logger;
}

/** The simulator's own endpoints, which Twilio does not have. They ask for no credentials. */
export function createSimRouter({ runs, knobs, timelineScheduler, idleness, reset, log }: Deps): Router {
  const router = Router();

  router.get("/health", (_req, res) => void res.json({ status: "ok" }));
  router.get("/ledger", getLedger(runs));
  router.get("/faults", getFaults(runs));
  router.get("/stats", getStats(runs, timelineScheduler, idleness));

  router.post("/reset", (_req, res) => {
    reset();
    log.info("reset");
    res.json({ status: "ok" });
  });

  router.get("/config", (_req, res) => void res.json(knobs.current));
  router.patch("/config", express.json({ limit: "10mb", type: () => true }), (req, res) => {
    const faults = knobs.patch(req.body);
    if (faults.length > 0) {
      refuse(res, faults);
      return;
    }
    log.info("knobs_turned", { names: Object.keys(req.body as object) });
    res.json(knobs.current);
  });

  router.use((req, res) => void res.status(404).json({ error: "not_found", path: req.path }));
  router.use(((error: Error, _req, res, _next) => refuse(res, [error.message])) satisfies ErrorRequestHandler);
  return router;
}
