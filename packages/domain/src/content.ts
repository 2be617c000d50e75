import type { Violation } from "./errors.ts";

/** Twilio refuses a longer body with 21617. */
export const maxBodyLength = 1600;

/** Largest metadata of one recipient, in bytes of its JSON. */
export const maxMetadataBytes = 4096;

// As JSON.stringify writes them; it leaves proper pairs as they are. Behind one more backslash the same letters are text.
const escapedNul = /(?<!\\)(?:\\\\)*\\u0000/;
const escapedSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/;

/**
 * What is wrong with a text body, if anything. Counts characters as Unicode code points; PostgreSQL cannot store NUL,
 * and a lone surrogate has no UTF-8 form.
 */
export function bodyFault(body: string): string | undefined {
  if (body.trim() === "") return "text is empty";
  const length = codePoints(body);
  if (length > maxBodyLength) return `text has ${length} characters; at most ${maxBodyLength} are allowed`;
  return textFault(body);
}

function codePoints(text: string): number {
  let count = 0;
  // Not spread into an array first: somebody may have sent sixteen million of them.
  for (const _ of text) count++;
  return count;
}

/** What keeps a string from being stored, if anything. */
export function textFault(text: string): string | undefined {
  if (text.includes("\u0000")) return "text contains a NUL character";
  if (!text.isWellFormed()) return "text contains a lone surrogate";
  return undefined;
}

/** What is wrong with a metadata object given as JSON text, if anything. */
export function metadataFault(json: string): string | undefined {
  const bytes = Buffer.byteLength(json);
  if (bytes > maxMetadataBytes) return `metadata has ${bytes} bytes as JSON; at most ${maxMetadataBytes} are allowed`;
  if (escapedNul.test(json)) return "metadata contains a NUL character";
  if (escapedSurrogate.test(json)) return "metadata contains a lone surrogate";
  return undefined;
}

/** A violation for `field` where there is a fault. */
export function violation(field: string, fault: string | undefined): Violation[] {
  return fault === undefined ? [] : [{ field, reason: fault }];
}
