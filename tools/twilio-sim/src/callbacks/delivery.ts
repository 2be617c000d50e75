import { stringify } from "node:querystring";
import { packOutcome, wasTaken } from "../messages/callback-outcome.ts";
import { callbackForm } from "./form.ts";
import { mayRetry } from "./retry-policy.ts";
import { sign } from "./signature.ts";
import { createWorkQueue } from "./work-queue.ts";
import type { Clock } from "../clock.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { CallbackResult } from "../messages/callback-outcome.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { Scheduler } from "../scheduler.ts";
import type { CallbackJob } from "./job.ts";
import type { Poster } from "./poster.ts";

/** A receiver that is away during a campaign of a million must not take the simulator's memory with it. */
const MAX_WAITING = 1_000_000;

/** Gets callbacks to their receivers, or as far as their retry policy allows. */
export interface CallbackDelivery {
  /** Posts `job`, then the jobs chained to it. Each ends in its message's record and in the stats of its run. */
  begin(job: CallbackJob): void;
  /** Ends a callback that is not posted at all. */
  note(job: CallbackJob, result: CallbackResult): void;
  /** Calls `then` once, when the next callback of the message has ended, however it ended, or has been forgotten. */
  whenNextEnds(record: MessageRecord, then: () => void): void;
  /** Forgets every callback that waits. */
  clear(): void;
}

interface Deps {
  readonly accountSid: string;
  /** Signs. */
  readonly authToken: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly knobs: KnobBoard;
  readonly poster: Poster;
  /** Called after each callback that has ended, however it ended. */
  readonly ended: () => void;
}

/** Creates the delivery, with as many POSTs at once as the `callbackConcurrency` knob says. */
export function createCallbackDelivery(deps: Deps): CallbackDelivery {
  const { accountSid, authToken, clock, scheduler, knobs, poster, ended } = deps;
  const listeners = new Map<MessageRecord, () => void>();

  const deliver = async (job: CallbackJob): Promise<void> => {
    const { run, target } = job;
    const giveUpAt = (job.giveUpAt ??= clock.now() + target.policy.totalMs);
    const timeLeftMs = Math.max(1, Math.floor(giveUpAt - clock.now()));
    job.attempts += 1;
    run.stats.callbacks.posted += 1;

    const result = await post(job, Math.min(target.policy.readTimeoutMs, timeLeftMs));

    if (run.closed) return;
    const retryDelayMs = knobs.current.callbackRetryDelayMs / knobs.current.speed;
    const inTime = clock.now() + retryDelayMs < giveUpAt;
    if (job.attempts <= target.policy.retries && mayRetry(target.policy, result) && inTime) {
      run.stats.callbacks.retried += 1;
      scheduler.after(retryDelayMs, () => enqueue(job));
      return;
    }
    if (wasTaken(result)) run.stats.callbacks.ok += 1;
    else run.stats.callbacks.failed += 1;
    end(job, result);
  };

  const post = (
    { run, record, status, target, token }: CallbackJob,
    readTimeoutMs: number,
  ): Promise<CallbackResult> => {
    const sid = run.ledger.sidOf(record);
    const form = callbackForm({ record, status, sid, accountSid, knobs: knobs.current });
    const headers: Record<string, string> = {
      "user-agent": "TwilioProxy/1.1",
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      accept: "*/*",
      "x-twilio-signature": sign(authToken, target.signedUrl, form),
      "i-twilio-idempotency-token": token,
    };
    if (target.authorization !== undefined) headers["authorization"] = target.authorization;
    return poster.post(target, stringify(form), headers, readTimeoutMs);
  };

  const enqueue = (job: CallbackJob): void => {
    if (queue.push(job)) return;
    job.run.stats.callbacks.overflow += 1;
    end(job, "overflow");
  };

  const end = (job: CallbackJob, result: CallbackResult): void => {
    job.run.stats.callbacks.pending -= 1;
    note(job, result);
    if (job.next !== undefined) enqueue(job.next);
    ended();
  };

  const note = (job: CallbackJob, result: CallbackResult): void => {
    writeDown(job, result);
    const listener = listeners.get(job.record);
    listeners.delete(job.record);
    listener?.();
  };

  const queue = createWorkQueue(deliver, () => knobs.current.callbackConcurrency, MAX_WAITING);

  return {
    begin(first) {
      for (let job: CallbackJob | undefined = first; job !== undefined; job = job.next) {
        job.run.stats.callbacks.pending += 1;
      }
      enqueue(first);
    },
    note,
    whenNextEnds: (record, then) => void listeners.set(record, then),
    clear() {
      queue.clear();
      for (const listener of listeners.values()) listener();
      listeners.clear();
    },
  };
}

/** Writes the end of a callback beside its message. */
function writeDown({ record, status, attempts }: CallbackJob, result: CallbackResult): void {
  // `concat` makes an array of the exact length; one that grows by push reserves room for 17.
  record.callbacks = (record.callbacks ?? []).concat(packOutcome({ status, result, attempts }));
}
