import { at, type BadCase, invalid, jsonDoors } from "./bad-case.ts";
import { good, halfPair, phone } from "./orders.ts";

const badPhones: readonly (readonly [string, string])[] = [
  ["", "phone number is empty"],
  [" \t ", "phone number is empty"],
  ["whatsapp:", "phone number is empty"],
  ["2125550123", "phone number must start with + and the country code"],
  ["nonsense", "phone number must start with + and the country code"],
  ["+", "phone number is malformed"],
  ["+1 212 555 0123 ext. 4", "phone number contains characters that do not belong in one"],
  ["+1212\u0000", "phone number contains characters that do not belong in one"],
  ["+1\u0661\u0662\u0663", "phone number contains characters that do not belong in one"],
  ["+99912345678", "phone number has an unknown country code"],
  ["+10000000000", "phone number does not exist in its country's numbering plan"],
  ["+121255501234567890123", "phone number is too long"],
  ["+12", "phone number is too short"],
  [`+${"1".repeat(64)}`, "phone number is longer than 64 characters"],
];
const badRecipients = badPhones.map(([given]) => ({ phone: given }));
const phoneFaults = badPhones.map(([, reason], index) => at(`recipients[${index}].phone`, reason));

export const numbers: readonly BadCase[] = [
  {
    name: "numbers that are none",
    request: { order: { ...good, recipients: badRecipients } },
    answer: invalid(...phoneFaults),
  },
  {
    name: "numbers that are none among one that is",
    request: { order: { ...good, recipients: [...badRecipients, { phone }] } },
    answer: { accepted: 1, rejected: badPhones.map(([, reason], index) => ({ index, reason })) },
  },
  {
    name: "one number that is none, all or nothing",
    request: { order: { ...good, recipients: [{ phone }, { phone: "12" }], allOrNothing: true } },
    answer: invalid(at("recipients[1].phone", "phone number must start with + and the country code")),
  },
  {
    name: "half a surrogate pair in a number",
    only: jsonDoors,
    request: { order: { ...good, recipients: [{ phone }, { phone: `+1${halfPair}` }] } },
    answer: invalid(at("recipients[1].phone", "text contains a lone surrogate")),
  },
  {
    name: "no recipients",
    request: { order: { ...good, recipients: [] } },
    answer: invalid(at("recipients", "must contain at least 1 item(s)")),
    apart: { "gRPC stream": { violations: [at("recipients", "the stream has no recipients")] } },
  },
  {
    name: "50,001 recipients",
    request: { order: { ...good, recipients: Array.from({ length: 50_001 }, () => ({ phone })) } },
    answer: invalid(at("recipients", "must contain no more than 50000 item(s)")),
    // That is what it is for. They are all the same one.
    apart: { "gRPC stream": { accepted: 1, rejected: [] } },
  },
];
