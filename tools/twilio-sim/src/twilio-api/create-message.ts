import { withoutChannel } from "../messages/address.ts";
import { ACCEPTED, REFUSED } from "./broken-answers.ts";
import { messageResource } from "./message-resource.ts";
import { parseDraft } from "./parse-draft.ts";
import { one, readForm } from "./read-form.ts";
import { TwilioFault } from "./twilio-fault.ts";
import type { CallbackDelivery } from "../callbacks/delivery.ts";
import type { Clock } from "../clock.ts";
import type { Die } from "../dice.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { MessageRecord } from "../messages/record.ts";
import type { Timeline } from "../messages/timeline.ts";
import type { Run, Runs } from "../run.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Answer } from "./answer.ts";
import type { Operation } from "./door.ts";
import type { Misfits } from "./misfits.ts";
import type { Misfortune, Misfortunes } from "./misfortune.ts";
import type { Form } from "./read-form.ts";

/** So long at most does an answer wait for the callback that is to come first. */
const CALLBACK_FIRST_MS = 5_000;
const MAX_VALIDITY_S = 36_000;

interface Deps {
  readonly accountSid: string;
  /** E.164. */
  readonly senders: ReadonlySet<string>;
  readonly clock: Clock;
  /** Makes answers wait for their latency. */
  readonly scheduler: Scheduler;
  readonly knobs: KnobBoard;
  readonly runs: Runs;
  readonly jitter: Die;
  readonly misfortunes: Misfortunes;
  readonly misfits: Misfits;
  readonly timeline: Timeline;
  readonly delivery: Pick<CallbackDelivery, "whenNextEnds">;
  /** Told once about each parameter this simulator does not know. */
  readonly notice: (form: Form) => void;
}

/** POST Messages.json: accepts a message, or says why not. What it accepts is in the ledger before the answer leaves. */
export function createMessage(deps: Deps): Operation {
  const { accountSid, senders, clock, knobs, runs, misfortunes, misfits, timeline, notice } = deps;
  let inProgress = 0;

  return async (req) => {
    if (inProgress >= knobs.current.maxConcurrentCreates) throw new TwilioFault(429, 20429);
    inProgress += 1;
    try {
      const { stats } = runs.current;
      const n = stats.creates;
      stats.creates += 1;
      const fault = misfortunes.of(n);
      if (fault === "reset") return refuse(n, fault);
      return await answer(n, fault, await readForm(req));
    } finally {
      inProgress -= 1;
    }
  };

  async function answer(n: number, byLuck: Misfortune | undefined, form: Form): Promise<Answer> {
    const fault = misfortunes.asked(withoutChannel(one(form, "To") ?? "")) ?? byLuck;
    await latency(deps, n);
    if (fault instanceof TwilioFault) throw fault;
    if (fault !== undefined && isRefusal(fault)) return refuse(n, fault, form);
    const draft = parseDraft(form, senders);
    notice(form);
    const run = runs.current;
    const waitMs = run.senderQueues.enter(draft.from, clock.now(), knobs.current);
    if (waitMs === undefined) throw new TwilioFault(400, 21611);

    // From here on the message is as good as sent, whether or not the client still listens.
    const misfit = misfits(run.ledger.size, draft, fault);
    const record = run.ledger.accept(draft, clock.now(), misfit);
    const sid = run.ledger.sidOf(record);
    for (const name of misfit.faults) {
      run.faults.add({ fault: name, n, at: clock.now(), to: draft.to, statusCallback: draft.statusCallback, sid });
    }
    const validityMs = Number(one(form, "ValidityPeriod") ?? MAX_VALIDITY_S) * 1_000;
    timeline.follow(run, record, { ms: waitMs, validityMs });
    if (misfit.callbackFirst) await firstCallback(deps, run, record);
    const body = messageResource(accountSid, run.ledger, record);
    const whole: Answer = { status: 201, body, requestDigits: sid.slice(2) };
    return fault === undefined ? whole : ACCEPTED[fault](whole);
  }

  function refuse(n: number, fault: keyof typeof REFUSED, form?: Form): Answer {
    const to = (form && one(form, "To")) ?? null;
    const statusCallback = (form && one(form, "StatusCallback")) ?? null;
    runs.current.faults.add({ fault, n, at: clock.now(), to, statusCallback, sid: null });
    return REFUSED[fault](misfortunes.retryAfter(n));
  }
}

function isRefusal(fault: Exclude<Misfortune, TwilioFault>): fault is keyof typeof REFUSED {
  return Object.hasOwn(REFUSED, fault);
}

function latency({ knobs, jitter, scheduler }: Deps, n: number): Promise<void> | undefined {
  const { latencyMs, latencyJitterMs } = knobs.current;
  const delayMs = latencyMs + latencyJitterMs * jitter(n);
  return delayMs === 0 ? undefined : new Promise((resolve) => scheduler.after(delayMs, resolve));
}

function firstCallback({ scheduler, delivery }: Deps, run: Run, record: MessageRecord): Promise<void> | undefined {
  if (record.statusCallback === null || run.closed) return undefined;
  return new Promise((resolve) => {
    delivery.whenNextEnds(record, resolve);
    scheduler.after(CALLBACK_FIRST_MS, resolve);
  });
}
