import { errorTable } from "./error-table.ts";
import type { ErrorEntry } from "./error-table.ts";

const byCode = new Map(errorTable.map((entry) => [entry.code, entry]));

/** What a Twilio error code asks of us; undefined for a code that is not in the table. */
export function errorClassOf(code: number): ErrorEntry | undefined {
  return byCode.get(code);
}

/** A short text for people about a Twilio error code, known or not. */
export function errorText(code: number): string {
  return byCode.get(code)?.meaning ?? `Twilio error ${code}, see https://www.twilio.com/docs/errors/${code}`;
}
