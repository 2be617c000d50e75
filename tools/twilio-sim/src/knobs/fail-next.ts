import { isE164, withoutChannel } from "../messages/address.ts";
import { isObject, isWhole } from "./knob.ts";
import type { Knob } from "./knob.ts";

/** Refuse the next `times` creates (to `to`, if given) with an HTTP status and one of Twilio's codes. */
export interface NextFailure {
  readonly status: number;
  readonly code: number;
  readonly times: number;
  /** E.164 without channel. */
  readonly to?: string;
}

const KEYS = new Set(["status", "code", "times", "to"]);

/** One-shot refusals, used up in their order. */
export const failNext: Knob<readonly NextFailure[]> = {
  fallback: [],
  what: "One-shot refusals of creates, used up one by one; nothing is accepted.",
  expects: 'a list of {"status": 400-599, "code": Twilio code, "times"?: 1 or more, "to"?: "+E.164"}',
  parse: (value) => {
    if (!Array.isArray(value)) return undefined;
    const failures = value.map(parseFailure);
    return failures.every((failure) => failure !== undefined) ? failures : undefined;
  },
};

function parseFailure(value: unknown): NextFailure | undefined {
  if (!isObject(value) || !Object.keys(value).every((key) => KEYS.has(key))) return undefined;
  const { status, code, times = 1, to } = value;
  if (!isWhole(status, 400, 599) || !isWhole(code, 1, 99_999) || !isWhole(times, 1, 1_000_000_000)) return undefined;
  if (to === undefined) return { status, code, times };
  if (typeof to !== "string" || !isE164(withoutChannel(to))) return undefined;
  return { status, code, times, to: withoutChannel(to) };
}
