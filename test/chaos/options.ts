import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

/** How a run goes. */
export interface ChaosOptions {
  /** The same seed makes the same plan: batches, blows, and the simulator's luck. */
  readonly seed: number;
  /** How long the storm lasts; start and calm come on top. */
  readonly stormMs: number;
  /** The whole run is given up after this long. */
  readonly withinMs: number;
}

const USAGE =
  "usage: npm run chaos -- [--seed N] [--minutes M] [--within M]\n" +
  "  --seed     what to repeat; random without it\n" +
  "  --minutes  how long the storm lasts (5)\n" +
  "  --within   minutes after which the whole run is given up (the storm and ten more)";
const MINUTE_MS = 60_000;

/** Reads the command line; throws words to act on. */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: "string" }, minutes: { type: "string" }, within: { type: "string" } },
  });
  const minutes = numberOf(values.minutes, 5);
  return {
    seed: numberOf(values.seed, randomInt(1, 1_000_000_000)),
    stormMs: minutes * MINUTE_MS,
    withinMs: numberOf(values.within, minutes + 10) * MINUTE_MS,
  };
}

function numberOf(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value > 0) || text === "") throw new Error(USAGE);
  return value;
}
