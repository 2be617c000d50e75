import { failNext } from "./fail-next.ts";
import { failTo } from "./fail-to.ts";
import { flag, isObject, number, share, whole } from "./knob.ts";
import type { Knob } from "./knob.ts";

const HOUR_MS = 3_600_000;

/**
 * Every knob. Environment (`latencyMs`: SIM_LATENCY_MS), flag (--latency-ms), PATCH /sim/config and the help text follow
 * from this table; the README lists it for people.
 */
export const KNOBS = {
  latencyMs: whole(0, 0, 600_000, "How long a create takes before it is accepted and answered."),
  latencyJitterMs: whole(0, 0, 600_000, "Up to this much is added to latencyMs, evenly spread."),
  rate429: share(0, "Share of creates refused with 429 and 20429."),
  rate500: share(0, "Share of creates refused with 500 and 20500; nothing is accepted."),
  rate503: share(0, "Share of creates refused with 503 and 20503; nothing is accepted."),
  failNext,
  failTo,
  maxConcurrentCreates: whole(
    100,
    1,
    1_000_000,
    "Creates in progress at once; one more is refused with 429 and 20429.",
  ),
  retryAfterS: whole(0, 0, 86_400, "Retry-After on a 429; 0 leaves the header out (Twilio documents none)."),

  speed: number(1, 0.001, 1_000_000, "Divides every delay of the message timeline and of callback retries."),
  sentDelayMs: whole(120, 0, HOUR_MS, "Median from acceptance to sent; single ones are up to 2.7 times off."),
  deliveredDelayMs: whole(280, 0, HOUR_MS, "Median from sent to delivered (or undelivered)."),
  readDelayMs: whole(550, 0, HOUR_MS, "Median from delivered to read."),
  readShare: share(0.7, "Share of delivered messages that are read."),

  duplicateShare: share(0, "Share of callbacks posted a second time, with the same idempotency token."),
  shuffleShare: share(0, "Share of messages whose callbacks are held back and posted in another order."),
  dropShare: share(0, "Share of callbacks never posted."),
  callbackConcurrency: whole(64, 1, 1_000, "Callbacks posted at once."),
  callbackRetryDelayMs: whole(100, 0, 15_000, "Pause before a callback is tried again (Twilio documents none)."),
  callbackEventType: flag(
    false,
    "Add EventType=SENT, DELIVERED, ... to callbacks (documented, absent from recent ones).",
  ),
  callbackErrorMessage: flag(false, "Add ErrorMessage to callbacks of failures (not documented)."),
  callbackExternalUserId: flag(false, "Add ExternalUserId to delivered and read callbacks."),
} satisfies Record<string, Knob<never> | Knob<unknown>>;

export type KnobName = keyof typeof KNOBS;

/** A setting of every knob. */
export type Knobs = { readonly [Name in KnobName]: (typeof KNOBS)[Name]["fallback"] };

export const KNOB_NAMES = Object.keys(KNOBS) as readonly KnobName[];

/** Every knob at its default. */
export const DEFAULT_KNOBS = Object.fromEntries(KNOB_NAMES.map((name) => [name, KNOBS[name].fallback])) as Knobs;

/** What came out of reading some knobs: the ones that are right, and a sentence for each that is not. */
export interface KnobReading {
  readonly values: Partial<Knobs>;
  readonly faults: readonly string[];
}

/** Reads knobs from a JSON value. Unknown names and wrong values are faults; all are found at once. */
export function readKnobs(input: unknown): KnobReading {
  if (!isObject(input)) return { values: {}, faults: ["knobs must be a JSON object"] };
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, given] of Object.entries(input)) {
    if (!isKnobName(name)) {
      faults.push(`unknown knob "${name}"; known are ${KNOB_NAMES.join(", ")}`);
      continue;
    }
    const value = KNOBS[name].parse(given);
    if (value === undefined) faults.push(`${name} must be ${KNOBS[name].expects}`);
    else values[name] = value;
  }
  return { values, faults };
}

function isKnobName(name: string): name is KnobName {
  return Object.hasOwn(KNOBS, name);
}
