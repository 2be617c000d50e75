import { isObject } from "../knobs/knob.ts";
import { TwilioFault } from "./twilio-fault.ts";

const MAX_VARIABLES = 100;
const MAX_KEY = 16;
const MAX_VALUE = 1_600;

/**
 * Checks the form of ContentSid (21655) and ContentVariables (21656). Which templates exist is not modelled: every
 * well-formed sid is one.
 */
export function checkContent(contentSid: string | undefined, variables: string | undefined): void {
  if (contentSid !== undefined && !/^HX[0-9a-fA-F]{32}$/.test(contentSid)) throw new TwilioFault(400, 21655);
  if (variables !== undefined && !areVariables(variables)) throw new TwilioFault(400, 21656);
}

function areVariables(text: string): boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return false;
  }
  if (!isObject(parsed)) return false;
  const pairs = Object.entries(parsed);
  return pairs.length <= MAX_VARIABLES && pairs.every(([key, value]) => key.length <= MAX_KEY && isValue(value));
}

function isValue(value: unknown): boolean {
  return typeof value === "string" && value !== "" && value.length <= MAX_VALUE && !/[\r\n]/.test(value);
}
