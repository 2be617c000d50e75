import { randomBytes } from "node:crypto";

const RUN_DIGITS = 24;
const ODD = 0x9e3779b1;
const ODD_INVERSE = inverseModulo32(ODD);
const SID = /^[A-Z]{2}[0-9a-f]{32}$/;

/**
 * Names messages. The 32 digits are a random part of this run plus the message's place in the ledger, scrambled: a sid
 * leads to its record without an index, never repeats after a reset, and does not sort by time (neither do Twilio's).
 */
export interface SidSeries {
  /** The 32 hexadecimal digits of the message at `index`. */
  digits(index: number): string;
  /** The index behind a sid of this run, or undefined. */
  indexOf(sid: string): number | undefined;
}

/** Starts a new series. `run` is 24 hexadecimal digits, random unless given. */
export function createSidSeries(run: string = randomBytes(RUN_DIGITS / 2).toString("hex")): SidSeries {
  const salt = Number.parseInt(run.slice(0, 8), 16) ^ ODD;
  return {
    digits: (index) => run + ((Math.imul(index, ODD) ^ salt) >>> 0).toString(16).padStart(8, "0"),
    indexOf: (sid) => {
      if (!SID.test(sid) || sid.slice(2, 2 + RUN_DIGITS) !== run) return undefined;
      const scrambled = Number.parseInt(sid.slice(2 + RUN_DIGITS), 16);
      return Math.imul(scrambled ^ salt, ODD_INVERSE) >>> 0;
    },
  };
}

/** Newton's iteration: each round doubles the number of correct low bits. */
function inverseModulo32(odd: number): number {
  let inverse = odd;
  for (let round = 0; round < 5; round += 1) inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse));
  return inverse;
}
