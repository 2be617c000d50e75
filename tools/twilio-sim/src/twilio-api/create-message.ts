import { withoutChannel } from "../messages/address.ts";
import { messageResource } from "./message-resource.ts";
import { parseDraft } from "./parse-draft.ts";
import { one, readForm } from "./read-form.ts";
import { TwilioFault } from "./twilio-fault.ts";
import type { Clock } from "../clock.ts";
import type { Die } from "../dice.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import type { Timeline } from "../messages/timeline.ts";
import type { Runs } from "../run.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Answer, Operation } from "./door.ts";
import type { Misfortune } from "./misfortune.ts";
import type { Form } from "./read-form.ts";

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
  readonly misfortune: Misfortune;
  readonly timeline: Timeline;
  /** Told once about each parameter this simulator does not know. */
  readonly notice: (form: Form) => void;
}

/** POST Messages.json: accepts a message, or says why not. What it accepts is in the ledger before the answer leaves. */
export function createMessage(deps: Deps): Operation {
  const { accountSid, senders, clock, knobs, runs, misfortune, timeline, notice } = deps;
  let inProgress = 0;

  return async (req) => {
    if (inProgress >= knobs.current.maxConcurrentCreates) throw new TwilioFault(429, 20429);
    inProgress += 1;
    try {
      return await accept(await readForm(req));
    } finally {
      inProgress -= 1;
    }
  };

  async function accept(form: Form): Promise<Answer> {
    const { stats } = runs.current;
    const n = stats.creates;
    stats.creates += 1;
    const refused = misfortune(n, withoutChannel(one(form, "To") ?? ""));
    await latency(deps, n);
    if (refused !== undefined) throw refused;
    const draft = parseDraft(form, senders);
    notice(form);

    // From here on the message is as good as sent, whether or not the client still listens.
    const run = runs.current;
    const record = run.ledger.accept(draft, clock.now());
    timeline.follow(run, record);
    const body = messageResource(accountSid, run.ledger, record);
    return { status: 201, body, requestDigits: run.ledger.sidOf(record).slice(2) };
  }
}

function latency({ knobs, jitter, scheduler }: Deps, n: number): Promise<void> | undefined {
  const { latencyMs, latencyJitterMs } = knobs.current;
  const delayMs = latencyMs + latencyJitterMs * jitter(n);
  return delayMs === 0 ? undefined : new Promise((resolve) => scheduler.after(delayMs, resolve));
}
