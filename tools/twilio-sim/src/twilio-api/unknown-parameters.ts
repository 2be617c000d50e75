import type { Logger } from "../logger.ts";
import type { Form } from "./read-form.ts";

/** Every documented parameter of a create; those without meaning for WhatsApp are accepted and ignored. */
const KNOWN = new Set(
  (
    "To From MessagingServiceSid Body MediaUrl ContentSid ContentVariables StatusCallback ApplicationSid ValidityPeriod " +
    "SendAt ScheduleType PersistentAction ContentRetention AddressRetention ShortenUrls SmartEncoded SendAsMms " +
    "ProvideFeedback Attempt RiskCheck FallbackFrom TrafficType MaxPrice ForceDelivery MessageIntent Tags"
  ).split(" "),
);
const MAX_REMEMBERED = 100;

/** Logs each parameter that Twilio does not document, once: it is ignored here, and may not be there. */
export function createParameterNotice(log: Logger): (form: Form) => void {
  const seen = new Set<string>();
  return (form) => {
    for (const name of form.keys()) {
      if (KNOWN.has(name) || seen.has(name) || seen.size >= MAX_REMEMBERED) continue;
      seen.add(name);
      log.warn("unknown_parameter", { name: name.slice(0, 64) });
    }
  };
}
