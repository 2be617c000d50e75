import { CREATE_FAULTS, CREATE_FAULT_NAMES } from "../knobs/create-faults.ts";
import type { Dice } from "../dice.ts";
import type { CreateFault } from "../knobs/create-faults.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";
import { TwilioFault } from "./twilio-fault.ts";

/** What goes wrong with a create: a refusal that was asked for, or a fault by its name. */
export type Misfortune = TwilioFault | CreateFault;

/** Decides what goes wrong with which create. */
export interface Misfortunes {
  /** By luck: a function of the seed and the number of the create. */
  of(n: number): CreateFault | undefined;
  /** By `failNext`: takes one use of what was asked for a create to `to` (E.164, or whatever was sent). */
  asked(to: string): Misfortune | undefined;
  /** Whether create `n`, refused with a 429, is told when to come back. */
  retryAfter(n: number): boolean;
}

/** One roll is shared by all faults, so that their shares add up. */
export function createMisfortunes(dice: Dice, knobs: KnobBoard): Misfortunes {
  const luck = dice.for("create");
  const retryAfter = dice.for("retry after");
  return {
    of(n) {
      let roll = luck(n);
      for (const fault of CREATE_FAULT_NAMES) {
        roll -= knobs.current[CREATE_FAULTS[fault]];
        if (roll < 0) return fault;
      }
      return undefined;
    },
    asked(to) {
      const asked = knobs.takeFailure(to);
      if (asked === undefined) return undefined;
      return "fault" in asked ? asked.fault : new TwilioFault(asked.status, asked.code);
    },
    retryAfter: (n) => retryAfter(n) < knobs.current.retryAfterShare,
  };
}
