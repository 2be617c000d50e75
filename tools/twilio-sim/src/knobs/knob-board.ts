import { readKnobs } from "./knobs.ts";
import type { NextFailure } from "./fail-next.ts";
import type { Knobs } from "./knobs.ts";

/** The knobs as they stand now. */
export interface KnobBoard {
  readonly current: Knobs;
  /** Turns the knobs in `input`: all of them, or none and the faults are returned. */
  patch(input: unknown): readonly string[];
  /** Takes one use of the first `failNext` entry that applies to a create to `to` (E.164). */
  takeFailure(to: string): NextFailure | undefined;
  /** Puts every knob where it stood at the start. */
  reset(): void;
}

/** Creates the board with the knobs of the start. */
export function createKnobBoard(initial: Knobs): KnobBoard {
  let current = initial;
  return {
    get current() {
      return current;
    },
    patch(input) {
      const { values, faults } = readKnobs(input);
      if (faults.length === 0) current = { ...current, ...values };
      return faults;
    },
    takeFailure(to) {
      const taken = current.failNext.find((failure) => failure.to === undefined || failure.to === to);
      if (taken === undefined) return undefined;
      const left = current.failNext
        .map((failure) => (failure === taken ? { ...failure, times: failure.times - 1 } : failure))
        .filter((failure) => failure.times > 0);
      current = { ...current, failNext: left };
      return taken;
    },
    reset() {
      current = initial;
    },
  };
}
