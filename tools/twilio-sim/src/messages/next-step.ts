import { withoutChannel } from "./address.ts";
import type { Dice } from "../dice.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { MessageRecord } from "./record.ts";
import type { MessageStatus } from "./status.ts";

/** Delays spread evenly on a logarithmic scale between median / SPREAD and median * SPREAD. */
const SPREAD = 2.7;

/** What happens to a message next, and when. */
export interface Step {
  readonly status: MessageStatus;
  readonly delayMs: number;
  readonly errorCode: number | null;
}

/** Decides a message's next step from where it stands; undefined at the end of its way. */
export type NextStep = (record: MessageRecord, knobs: Knobs) => Step | undefined;

/** queued -> sent -> delivered -> read, apart from those that are never read or that fail by the `failTo` knob. */
export function createNextStep(dice: Dice): NextStep {
  const read = dice.for("read");
  const delays = { sent: dice.for("sent delay"), delivered: dice.for("delivered delay"), read: dice.for("read delay") };

  return (record, knobs) => {
    const after = (stage: keyof typeof delays, medianMs: number): number =>
      (medianMs * SPREAD ** (2 * delays[stage](record.index) - 1)) / knobs.speed;
    const failure = knobs.failTo[withoutChannel(record.to)];

    if (record.status === "queued") {
      const delayMs = after("sent", knobs.sentDelayMs);
      if (failure?.as === "failed") return { status: "failed", delayMs, errorCode: failure.code };
      return { status: "sent", delayMs, errorCode: null };
    }
    if (record.status === "sent") {
      const delayMs = after("delivered", knobs.deliveredDelayMs);
      if (failure !== undefined) return { status: "undelivered", delayMs, errorCode: failure.code };
      return { status: "delivered", delayMs, errorCode: null };
    }
    if (record.status === "delivered" && read(record.index) < knobs.readShare) {
      return { status: "read", delayMs: after("read", knobs.readDelayMs), errorCode: null };
    }
    return undefined;
  };
}
