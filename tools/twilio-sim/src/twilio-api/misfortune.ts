import { TwilioFault } from "./twilio-fault.ts";
import type { Dice } from "../dice.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";

/** Decides whether create number `n`, to `to` (E.164, or whatever was sent), is refused before anything is accepted. */
export type Misfortune = (n: number, to: string) => TwilioFault | undefined;

/** `failNext` comes first; then one roll is shared by rate429, rate500 and rate503, so that their shares add up. */
export function createMisfortune(dice: Dice, knobs: KnobBoard): Misfortune {
  const luck = dice.for("create");
  return (n, to) => {
    const asked = knobs.takeFailure(to);
    if (asked !== undefined) return new TwilioFault(asked.status, asked.code);

    const { rate429, rate500, rate503 } = knobs.current;
    const roll = luck(n);
    if (roll < rate429) return new TwilioFault(429, 20429);
    if (roll < rate429 + rate500) return new TwilioFault(500, 20500);
    if (roll < rate429 + rate500 + rate503) return new TwilioFault(503, 20503);
    return undefined;
  };
}
