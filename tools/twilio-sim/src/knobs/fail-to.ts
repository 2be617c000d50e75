import { isE164, withoutChannel } from "../messages/address.ts";
import { isObject, isWhole } from "./knob.ts";
import type { Knob } from "./knob.ts";

/** How messages to one recipient end. */
export interface LateFailure {
  readonly code: number;
  /** `undelivered` comes after `sent`, `failed` instead of it. */
  readonly as: "undelivered" | "failed";
}

/** E.164 without channel -> what becomes of messages to it. */
export type LateFailures = Readonly<Record<string, LateFailure>>;

/** Asynchronous failures: the create succeeds, a callback with ErrorCode follows. */
export const failTo: Knob<LateFailures> = {
  fallback: {},
  what: "Recipients whose messages are accepted and fail later, with an ErrorCode in the callback.",
  expects: '{"+E.164": Twilio code, ...} or {"+E.164": {"code": Twilio code, "as": "undelivered" | "failed"}, ...}',
  parse: (value) => {
    if (!isObject(value)) return undefined;
    const failures: Record<string, LateFailure> = {};
    for (const [address, given] of Object.entries(value)) {
      const failure = parseFailure(given);
      if (failure === undefined || !isE164(withoutChannel(address))) return undefined;
      failures[withoutChannel(address)] = failure;
    }
    return failures;
  },
};

function parseFailure(given: unknown): LateFailure | undefined {
  const { code, as = "undelivered" } = isObject(given) ? given : { code: given };
  if (!isWhole(code, 1, 99_999) || (as !== "undelivered" && as !== "failed")) return undefined;
  return { code, as };
}
