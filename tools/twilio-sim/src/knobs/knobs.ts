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
  rate63038: share(0, "Share of creates refused with 429 and 63038, the daily limit of the account."),
  rate401: share(0, "Share of creates refused with 401 and 20003, whatever the credentials."),
  rate500: share(0, "Share of creates refused with 500 and 20500; nothing is accepted."),
  rate503: share(0, "Share of creates refused with 503 and 20503; nothing is accepted."),
  rateHtml502: share(0, "Share of creates answered with a 502 in HTML; nothing is accepted."),
  rateEmpty503: share(0, "Share of creates answered with a 503 without a body; nothing is accepted."),
  rateReset: share(0, "Share of creates whose connection is reset before the request is read; nothing is accepted."),
  rateHang: share(0, "Share of creates that are never answered; nothing is accepted."),

  rateAcceptedReset: share(0, "Share of creates that are accepted, and then the connection is reset."),
  rateAcceptedHang: share(0, "Share of creates that are accepted and never answered."),
  rateAccepted500: share(0, "Share of creates that are accepted and answered with 500 and 20500."),
  rateAcceptedHtml502: share(0, "Share of creates that are accepted and answered with a 502 in HTML."),
  rateAcceptedEmpty503: share(0, "Share of creates that are accepted and answered with a 503 without a body."),
  rateAcceptedTruncated: share(0, "Share of creates that are accepted, with a 201 that breaks off in its body."),
  rateAcceptedNoJson: share(0, "Share of creates that are accepted, with a 201 whose body is HTML."),

  failNext,
  failTo,
  maxConcurrentCreates: whole(
    100,
    1,
    1_000_000,
    "Creates in progress at once; one more is refused with 429 and 20429.",
  ),
  retryAfterS: whole(0, 0, 86_400, "Retry-After on a 429; 0 leaves the header out (Twilio documents none)."),
  retryAfterShare: share(1, "Share of creates refused with 429 that carry the Retry-After."),
  senderPerSecond: number(0, 0, 100_000, "Messages a sender gets through in a second; the others wait. 0: no limit."),
  senderQueue: whole(
    1_000_000,
    1,
    100_000_000,
    "Messages that may wait for a sender; one more is refused with 400 and 21611.",
  ),

  listLagMs: whole(0, 0, HOUR_MS, "How long after its acceptance a message appears in lists."),
  listLagShare: share(1, "Share of messages that listLagMs applies to."),
  listAliasShare: share(
    0,
    "Share of messages to Brazil, Mexico and Argentina that lists know under the number's other form only.",
  ),
  listMissShare: share(
    0,
    "Share of messages missing from a list, rolled for each list request; no program survives it.",
  ),
  listRate429: share(0, "Share of list requests refused with 429 and 20429."),
  listRate500: share(0, "Share of list requests refused with 500 and 20500."),
  listRateReset: share(0, "Share of list requests whose connection is reset in the middle of the page."),
  listRateHang: share(0, "Share of list requests that are never answered."),

  speed: number(1, 0.001, 1_000_000, "Divides every delay of the message timeline and of callback retries."),
  sentDelayMs: whole(120, 0, HOUR_MS, "Median from acceptance to sent; single ones are up to 2.7 times off."),
  deliveredDelayMs: whole(280, 0, HOUR_MS, "Median from sent to delivered (or undelivered)."),
  readDelayMs: whole(550, 0, HOUR_MS, "Median from delivered to read."),
  readShare: share(0.7, "Share of delivered messages that are read."),

  duplicateShare: share(0, "Share of callbacks posted a second time, with the same idempotency token."),
  shuffleShare: share(0, "Share of messages whose callbacks are held back and posted in another order."),
  dropShare: share(0, "Share of callbacks never posted."),
  silentShare: share(0, "Share of messages none of whose callbacks is posted."),
  callbackFirstShare: share(
    0,
    "Share of creates answered only after their first callback has ended, or after 5 seconds.",
  ),
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
