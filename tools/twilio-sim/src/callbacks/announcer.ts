import { randomUUID } from "node:crypto";
import { parseTarget } from "./target.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { Logger } from "../logger.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { MessageStatus } from "../messages/status.ts";
import type { Run } from "../run.ts";
import type { CallbackDelivery } from "./delivery.ts";
import type { CallbackFate } from "./fate.ts";
import type { CallbackJob } from "./job.ts";

/** Decides which callbacks a change of status brings about, and in which order. */
export interface Announcer {
  /** Announces a status the message has just reached; `last` when no other status will follow. */
  announce(run: Run, record: MessageRecord, status: MessageStatus, last: boolean): void;
  /** Forgets what is held back. */
  clear(): void;
}

interface Deps {
  readonly knobs: KnobBoard;
  readonly fate: CallbackFate;
  readonly delivery: CallbackDelivery;
  readonly log: Logger;
}

/** Creates the announcer. Callbacks of one message race each other, as Twilio's do, unless shuffled or repeated. */
export function createAnnouncer({ knobs, fate, delivery, log }: Deps): Announcer {
  const heldBack = new Map<MessageRecord, MessageStatus[]>();
  let warnedOfHost = false;

  const begin = (run: Run, record: MessageRecord, url: string, statuses: readonly MessageStatus[]): void => {
    const target = parseTarget(url);
    const jobs = statuses
      .map((status): CallbackJob => {
        return { run, record, status, target, token: randomUUID(), attempts: 0, giveUpAt: undefined, next: undefined };
      })
      .filter(goesOut)
      .flatMap(withDuplicate);
    // Each waits for the one before it, so that the order is the receiver's order too.
    jobs.forEach((job, i) => (job.next = jobs[i + 1]));
    if (jobs[0] !== undefined) delivery.begin(jobs[0]);
  };

  const goesOut = (job: CallbackJob): boolean => {
    if (!job.target.loopback) {
      job.run.stats.callbacks.refusedHost += 1;
      delivery.note(job, "refused_host");
      warnOfHost(job.target.origin);
      return false;
    }
    if (fate.dropped(job.record, job.status, knobs.current)) {
      job.run.stats.callbacks.dropped += 1;
      delivery.note(job, "dropped");
      return false;
    }
    return true;
  };

  const withDuplicate = (job: CallbackJob): readonly CallbackJob[] => {
    if (!fate.duplicated(job.record, job.status, knobs.current)) return [job];
    job.run.stats.callbacks.duplicated += 1;
    return [job, { ...job }];
  };

  const warnOfHost = (origin: string): void => {
    if (warnedOfHost) return;
    warnedOfHost = true;
    log.warn("callback_host_refused", { origin, reason: "callbacks go to loopback addresses only" });
  };

  return {
    announce(run, record, status, last) {
      if (record.statusCallback === null) return;
      const held = heldBack.get(record);
      if (held === undefined && !fate.shuffled(record, knobs.current)) {
        begin(run, record, record.statusCallback, [status]);
        return;
      }
      const statuses = [...(held ?? []), status];
      if (!last) {
        heldBack.set(record, statuses);
        return;
      }
      heldBack.delete(record);
      begin(run, record, record.statusCallback, fate.reorder(record, statuses));
    },
    clear: () => heldBack.clear(),
  };
}
