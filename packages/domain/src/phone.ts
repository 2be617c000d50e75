import { parsePhoneNumberWithError, ParseError } from "libphonenumber-js/max";

/** A recipient's number, checked once at the edge. */
export interface RecipientNumber {
  /** What Twilio is given, for example +14155550123. */
  readonly e164: string;
  /** What identifies the person's number: aliases of the same line share it. */
  readonly key: string;
}

/** The number, or what is wrong with it in words for the caller (never the number itself). */
export type ParsedRecipient = { readonly number: RecipientNumber } | { readonly reason: string };

/** Longer input is refused unread: 15 digits with generous punctuation and the prefix fit in. */
const maxInputLength = 64;

/** Digits and the punctuation people write between them. */
const phoneCharacters = /^\+[\d\s().\-\u2010-\u2015/]*$/;

/**
 * Reads a phone number in international form; a leading `whatsapp:`, spaces, dashes, dots and brackets are fine.
 * A number without its country code is refused rather than guessed.
 */
export function parseRecipient(input: string): ParsedRecipient {
  const text = input.trim().replace(/^whatsapp:/i, "");
  if (text === "") return { reason: "phone number is empty" };
  if (text.length > maxInputLength) return { reason: `phone number is longer than ${maxInputLength} characters` };
  if (!text.startsWith("+")) return { reason: "phone number must start with + and the country code" };
  if (!phoneCharacters.test(text)) return { reason: "phone number contains characters that do not belong in one" };
  try {
    const parsed = parsePhoneNumberWithError(text);
    if (!parsed.isValid()) return { reason: "phone number does not exist in its country's numbering plan" };
    return { number: { e164: parsed.number, key: recipientKey(parsed.number) } };
  } catch (error) {
    if (error instanceof ParseError) return { reason: parseErrorReasons[error.message] ?? "phone number is malformed" };
    throw error;
  }
}

const parseErrorReasons: Record<string, string> = {
  NOT_A_NUMBER: "phone number is malformed",
  INVALID_COUNTRY: "phone number has an unknown country code",
  TOO_SHORT: "phone number is too short",
  TOO_LONG: "phone number is too long",
  INVALID_LENGTH: "phone number has a wrong length for its country",
};

/**
 * Reads the number of a WhatsApp sender, with or without `whatsapp:`. Only its form is checked: which numbers are senders
 * is Twilio's business, and its sandbox and test numbers are in no numbering plan.
 *
 * @throws Error that says what would be right
 */
export function senderPhone(text: string): string {
  const phone = /^(?:whatsapp:)?(\+[1-9]\d{6,14})$/.exec(text.trim())?.[1];
  if (phone === undefined) throw new Error("must be a number like +14155550123, with or without whatsapp: before it");
  return phone;
}

/**
 * Folds the spellings under which WhatsApp knows one line: Brazil's mobile 9 after the area code, Mexico's 1 after +52
 * and Argentina's 9 after +54 may each be there or not. The key of a number with and without is the same.
 */
export function recipientKey(e164: string): string {
  return e164
    .replace(/^\+55(\d\d)9(\d{8})$/, "+55$1$2")
    .replace(/^\+521(\d{10})$/, "+52$1")
    .replace(/^\+549(\d{10})$/, "+54$1");
}

/**
 * Every way of writing the number of a line: one, or for lines of Brazil, Mexico and Argentina two. Messages to one may be
 * listed under the other.
 */
export function writtenForms(e164: string): readonly string[] {
  const key = recipientKey(e164);
  const [, country, rest] = /^\+(55\d\d(?=\d{8}$)|52(?=\d{10}$)|54(?=\d{10}$))(\d+)$/.exec(key) ?? [];
  if (country === undefined) return [e164];
  const digit = country === "52" ? "1" : "9";
  return [key, `+${country}${digit}${rest}`];
}
