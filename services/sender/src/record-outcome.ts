import { setTimeout as sleep } from "node:timers/promises";
import { MessageStatus } from "@wahub/proto";
import type { AttemptOutcome, GroupCommit, OutcomeFate } from "@wahub/store";
import type { SenderEvents } from "./events.ts";
import { toOutcomeFact } from "./outcome-facts.ts";
import { ifAvailable } from "./unavailable.ts";

/** What PostgreSQL made of it, or `spooled`: Redis has it until PostgreSQL takes it. */
export type Recorded = OutcomeFate | "spooled";

export interface RecordOutcomeDeps {
  readonly outcomes: GroupCommit<AttemptOutcome, OutcomeFate>;
  /** Encoded facts on their way into the spool. */
  readonly spooled: GroupCommit<Uint8Array, void>;
  readonly events: SenderEvents;
  readonly now: () => Date;
  /** How long an outcome is insisted on that others can find out: the lease. */
  readonly recordForMs: number;
}

export type RecordOutcome = (outcome: AttemptOutcome, signal: AbortSignal) => Promise<Recorded>;

const firstWaitMs = 50;
const longestWaitMs = 2_000;

/**
 * Writes what became of an attempt: to PostgreSQL, or where that is away or refuses, for whatever reason, into the spool,
 * so that nobody waits for it and nothing is lost. While neither takes it this tries again and holds its place here, so
 * that no more is sent than can be remembered: a SID until this process is told to stop, with one last attempt then;
 * anything else for a lease, as an attempt of which nothing is heard is looked up at Twilio. What cannot be written in
 * the end is logged, with its SID. Either way the log says what PostgreSQL had against it.
 */
export function createRecordOutcome(deps: RecordOutcomeDeps): RecordOutcome {
  const { outcomes, spooled, events, now, recordForMs } = deps;

  async function tryBoth(outcome: AttemptOutcome): Promise<{ recorded: Recorded } | { refusal: unknown }> {
    try {
      return { recorded: await outcomes.submit(outcome) };
    } catch (refusal) {
      const fact = toOutcomeFact(outcome, now());
      const isKept = await ifAvailable(spooled.submit(fact).then(() => true));
      if (!isKept) return { refusal };
      events.outcomeSpooled(refusal);
      return { recorded: "spooled" };
    }
  }

  return async (outcome, signal) => {
    const isSubmitted = outcome.result.status === MessageStatus.SUBMITTED;
    const giveUpAt = performance.now() + recordForMs;
    try {
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
        const isLast = signal.aborted || (!isSubmitted && performance.now() + waitMs > giveUpAt);
        const tried = await tryBoth(outcome);
        if ("recorded" in tried) return tried.recorded;
        if (isLast) throw new Error("neither PostgreSQL nor Redis takes the outcome", { cause: tried.refusal });
        await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      events.outcomeLost(outcome, error);
      throw error;
    }
  };
}
