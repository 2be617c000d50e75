import { isE164, withoutChannel } from "../messages/address.ts";
import { CREATE_FAULT_NAMES, isCreateFault } from "./create-faults.ts";
import { isObject, isWhole } from "./knob.ts";
import type { CreateFault } from "./create-faults.ts";
import type { Knob } from "./knob.ts";

/** For whom a one-shot is meant, and how often. */
interface Shots {
  readonly times: number;
  /** E.164 without channel; anybody when it is missing. */
  readonly to?: string;
}

/** The next `times` creates (to `to`, if given) are refused with an HTTP status and one of Twilio's codes, or meet a fault. */
export type NextFailure = Shots &
  ({ readonly status: number; readonly code: number } | { readonly fault: CreateFault });

const KEYS = new Set(["status", "code", "fault", "times", "to"]);

/** One-shot failures, used up in their order. */
export const failNext: Knob<readonly NextFailure[]> = {
  fallback: [],
  what: "One-shot failures of creates, used up one by one: a refusal by status and code, or a fault by its name.",
  expects:
    'a list of {"status": 400-599, "code": Twilio code, "times"?: 1 or more, "to"?: "+E.164"}, ' +
    `or with "fault" instead of status and code: ${CREATE_FAULT_NAMES.join(", ")}`,
  parse: (value) => {
    if (!Array.isArray(value)) return undefined;
    const failures = value.map(parseFailure);
    return failures.every((failure) => failure !== undefined) ? failures : undefined;
  },
};

function parseFailure(value: unknown): NextFailure | undefined {
  if (!isObject(value) || !Object.keys(value).every((key) => KEYS.has(key))) return undefined;
  const what = parseWhat(value);
  const { times = 1, to } = value;
  if (what === undefined || !isWhole(times, 1, 1_000_000_000)) return undefined;
  if (to === undefined) return { ...what, times };
  if (typeof to !== "string" || !isE164(withoutChannel(to))) return undefined;
  return { ...what, times, to: withoutChannel(to) };
}

function parseWhat({ status, code, fault }: Readonly<Record<string, unknown>>) {
  if (fault !== undefined) {
    return isCreateFault(fault) && status === undefined && code === undefined ? { fault } : undefined;
  }
  return isWhole(status, 400, 599) && isWhole(code, 1, 99_999) ? { status, code } : undefined;
}
