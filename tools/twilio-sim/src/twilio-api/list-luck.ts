import { createListLag } from "./misfits.ts";
import type { Dice } from "../dice.ts";
import type { KnobBoard } from "../knobs/knob-board.ts";

/** What can befall a list request, and the knob that sets its share. */
const LIST_FAULTS = {
  list429: "listRate429",
  list500: "listRate500",
  listReset: "listRateReset",
  listHang: "listRateHang",
} as const;

const LIST_FAULT_NAMES = Object.keys(LIST_FAULTS) as readonly ListFault[];

/** Larger than any ledger or any number of list requests is likely to grow, and odd. */
const STRIDE = 1_000_003;

export type ListFault = keyof typeof LIST_FAULTS;

/** How lists misbehave: functions of the seed, the number of the list request, and the message. */
export interface ListLuck {
  fault(n: number): ListFault | undefined;
  /** Whether list request `n` shows message `index`, accepted `ageMs` ago. */
  isShown(n: number, index: number, ageMs: number): boolean;
}

/** One roll is shared by the faults of a request, so that their shares add up. */
export function createListLuck(dice: Dice, knobs: KnobBoard): ListLuck {
  const luck = dice.for("list");
  const miss = dice.for("list miss");
  const lags = createListLag(dice, knobs);
  return {
    fault(n) {
      let roll = luck(n);
      for (const fault of LIST_FAULT_NAMES) {
        roll -= knobs.current[LIST_FAULTS[fault]];
        if (roll < 0) return fault;
      }
      return undefined;
    },
    isShown: (n, index, ageMs) =>
      !(lags(index) && ageMs < knobs.current.listLagMs) && miss(n * STRIDE + index) >= knobs.current.listMissShare,
  };
}
