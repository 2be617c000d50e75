import type { Announcer } from "../callbacks/announcer.ts";
import type { Clock } from "../clock.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { Run } from "../run.ts";
import type { Scheduler } from "../scheduler.ts";
import type { NextStep, Step } from "./next-step.ts";
import type { MessageRecord } from "./record.ts";

/** Moves accepted messages on as time passes, and has each change announced. */
export interface Timeline {
  /** Starts a freshly accepted message on its way, which begins with its wait for the sender's turn. */
  follow(run: Run, record: MessageRecord, wait?: SenderWait): void;
}

/** How long a message waits in its sender's queue, and after how long a wait it fails instead. */
export interface SenderWait {
  readonly ms: number;
  readonly validityMs: number;
}

/** "Validity period expired". */
const VALIDITY_EXPIRED = 30036;

interface Deps {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly knobs: KnobBoard;
  readonly nextStep: NextStep;
  readonly announcer: Pick<Announcer, "announce">;
}

const NO_WAIT: SenderWait = { ms: 0, validityMs: Infinity };

/** Creates the timeline. A message has one task waiting at a time: its next step. */
export function createTimeline({ clock, scheduler, knobs, nextStep, announcer }: Deps): Timeline {
  const wait = (run: Run, record: MessageRecord, step: Step): void => {
    scheduler.after(step.delayMs, () => {
      run.ledger.advance(record, step.status, clock.now(), step.errorCode);
      const next = nextStep(record, knobs.current);
      announcer.announce(run, record, step.status, next === undefined);
      if (next !== undefined) wait(run, record, next);
    });
  };
  return {
    follow(run, record, { ms, validityMs } = NO_WAIT) {
      if (run.closed) return;
      if (ms > validityMs) {
        wait(run, record, { status: "failed", delayMs: validityMs, errorCode: VALIDITY_EXPIRED });
        return;
      }
      const first = nextStep(record, knobs.current);
      if (first !== undefined) wait(run, record, { ...first, delayMs: ms + first.delayMs });
    },
  };
}
