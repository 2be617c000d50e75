import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { isUuid } from "@wahub/domain";
import { OutcomeFactSchema, type OutcomeFact } from "@wahub/proto/jobs";

/** Where the outcomes of attempts lie that could not be written: the name of their spool. */
export const outcomeSpool = "outcomes";

/** Bytes that cannot be what their writer meant. The text names fields, which hold nothing personal. */
export class MalformedFactError extends Error {
  constructor(fault: string, cause?: unknown) {
    super(`malformed outcome fact: ${fault}`, { cause });
    this.name = "MalformedFactError";
  }
}

export function encodeOutcomeFact(fact: OutcomeFact): Uint8Array {
  return toBinary(OutcomeFactSchema, fact);
}

/**
 * Reads a fact of this or any other release; fields it does not know are kept aside, a kind of result that it does not
 * know is a fault: such a fact waits for a release that does.
 *
 * @throws {MalformedFactError}
 */
export function decodeOutcomeFact(bytes: Uint8Array): OutcomeFact {
  const fact = parse(bytes);
  const fault = faultOf(fact);
  if (fault !== undefined) throw new MalformedFactError(fault);
  return fact;
}

function parse(bytes: Uint8Array): OutcomeFact {
  try {
    return fromBinary(OutcomeFactSchema, bytes);
  } catch (cause) {
    throw new MalformedFactError("it does not decode", cause);
  }
}

function faultOf(fact: OutcomeFact): string | undefined {
  for (const name of ["tenantId", "messageId", "token"] as const) {
    if (!isUuid(fact[name])) return `${name} is not a UUID`;
  }
  if (fact.attempt < 1) return "attempt is less than 1";
  if (fact.at === undefined) return "at is missing";
  if (fact.result.case === undefined) return "there is no result that this release knows";
  if (fact.result.case === "submitted" && fact.result.value.twilioSid === "") return "twilio_sid is empty";
  if (fact.result.case === "putBack" && fact.result.value.nextAt === undefined) return "next_at is missing";
  return undefined;
}
