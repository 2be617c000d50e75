import { describeError, type ErrorDescription } from "./error-description.ts";

const censored = "[redacted]";
const maxDepth = 6;
const maxItems = 50;

// Names under which credentials, message texts or people's data travel here, in Twilio's forms and in our requests.
// Compared without case, dashes and underscores.
const secretNames = new Set(
  [
    "authorization cookie setcookie password passwd secret token authtoken apikey key signature xtwiliosignature",
    "credentials databaseurl redisurl connectionstring",
    "body text content messagecontent message variables metadata parameters params detail",
    "phone phones phonenumber phonenumbers recipient recipients to from waid profilename",
  ].flatMap((line) => line.split(" ")),
);

// A number in international form, also as it stands in a URL.
const phoneNumber = /(\+|%2B)\d{5,15}/gi;

/**
 * The same data, fit for a log: values under personal or secret names are replaced at any depth, phone numbers inside
 * texts are shortened, errors are described without what foreign libraries hang on them. Deep or long data is cut.
 */
export function redact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return fieldsOf(fields, 0);
}

/** The text with every phone number in international form cut down to its last two digits. */
export function redactText(text: string): string {
  if (!text.includes("+") && !text.includes("%2")) return text;
  return text.replace(phoneNumber, (number, prefix: string) => `${prefix}...${number.slice(-2)}`);
}

function valueOf(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (value instanceof Error) return errorFields(describeError(value));
  if (depth >= maxDepth) return "[deep]";
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return (value as unknown[]).slice(0, maxItems).map((item) => valueOf(item, depth + 1));
  return fieldsOf(value as Record<string, unknown>, depth + 1);
}

function fieldsOf(value: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) result[name] = isSecret(name) ? censored : valueOf(field, depth);
  return result;
}

// A description holds only what is known to be harmless, so its `message` stays.
function errorFields(error: ErrorDescription): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(error))
    result[name] = typeof field === "string" ? redactText(field) : field;
  if (error.cause !== undefined) result["cause"] = errorFields(error.cause);
  return result;
}

function isSecret(name: string): boolean {
  return secretNames.has(name.toLowerCase().replaceAll(/[-_]/g, ""));
}
