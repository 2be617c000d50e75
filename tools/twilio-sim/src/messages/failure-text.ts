/** What Twilio's resource says about a failure that came after acceptance. Codes beyond these have no text here. */
const FAILURE_TEXTS: Readonly<Record<number, string>> = {
  30001: "Queue overflow",
  30003: "Unreachable destination handset",
  30005: "Unknown destination handset",
  30007: "Message filtered",
  30008: "Unknown error",
  30036: "Validity Period Expired",
  63003: "Channel could not find To address",
  63010: "Channels - Twilio Internal error",
  63013: "Channel policy violation",
  63014: "Message was blocked by user action",
  63016: "Failed to send freeform message because you are outside the allowed window",
  63018: "Rate limit exceeded for Channel",
  63024: "Invalid message recipient",
  63027: "Template does not exist for a language and locale",
  63032: "We cannot send this message to this user due to a WhatsApp limitation",
  63049: "Meta chose not to deliver this WhatsApp marketing message",
};

/** The `error_message` of a code, or null. */
export function failureText(code: number): string | null {
  return FAILURE_TEXTS[code] ?? null;
}
