import { WHATSAPP_PREFIX, withoutChannel } from "./address.ts";

/** A pattern of a number, and the other way in which the same person's number is written. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  // Brazil: mobile numbers with or without the ninth digit.
  [/^\+55(\d{2})9(\d{8})$/, "+55$1$2"],
  [/^\+55(\d{2})([6-9]\d{7})$/, "+55$19$2"],
  // Mexico: with or without the 1 that mobile numbers once had.
  [/^\+521(\d{10})$/, "+52$1"],
  [/^\+52(\d{10})$/, "+521$1"],
  // Argentina: with or without the 9 of mobile numbers.
  [/^\+549(\d{10})$/, "+54$1"],
  [/^\+54(\d{10})$/, "+549$1"],
];

/** The other form of a WhatsApp address of Brazil, Mexico or Argentina; undefined for all others. */
export function otherForm(address: string): string | undefined {
  const number = withoutChannel(address);
  const form = FORMS.find(([pattern]) => pattern.test(number));
  return form === undefined ? undefined : WHATSAPP_PREFIX + number.replace(form[0], form[1]);
}
