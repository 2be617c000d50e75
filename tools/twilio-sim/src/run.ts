import { createFaultLog } from "./fault-log.ts";
import { createLedger } from "./messages/ledger.ts";
import { createSenderQueues } from "./messages/sender-queues.ts";
import { createStats } from "./stats.ts";
import type { Clock } from "./clock.ts";
import type { FaultLog } from "./fault-log.ts";
import type { Ledger } from "./messages/ledger.ts";
import type { SenderQueues } from "./messages/sender-queues.ts";
import type { Stats } from "./stats.ts";

/**
 * What happened since the start or the last reset. Work in flight keeps the run it began in: what a callback of the old
 * run comes to is never counted in the new one.
 */
export interface Run {
  readonly ledger: Ledger;
  readonly stats: Stats;
  readonly faults: FaultLog;
  readonly senderQueues: SenderQueues;
  /** A closed run begins nothing any more. */
  closed: boolean;
}

/** Holds the run of the moment. */
export interface Runs {
  readonly current: Run;
  /** Closes the current run and opens an empty one. */
  startAgain(): void;
  /** Closes the current run for good. */
  close(): void;
}

/** Opens the first run. */
export function createRuns(clock: Clock): Runs {
  const open = (): Run => ({
    ledger: createLedger(clock.now()),
    stats: createStats(),
    faults: createFaultLog(),
    senderQueues: createSenderQueues(),
    closed: false,
  });
  let current = open();
  return {
    get current() {
      return current;
    },
    startAgain() {
      current.closed = true;
      current = open();
    },
    close() {
      current.closed = true;
    },
  };
}
