import { randomBytes } from "node:crypto";

/** A fictional Twilio account; only the simulator knows it. */
export interface TwilioAccount {
  accountSid: string;
  authToken: string;
  /** E.164 */
  from: string;
}

export function fictionalAccount(): TwilioAccount {
  return {
    accountSid: `AC${randomBytes(16).toString("hex")}`,
    authToken: randomBytes(16).toString("hex"),
    // Twilio's own number for tests: no person has it.
    from: "+15005550006",
  };
}

export function randomApiKey(): string {
  return `wahub_${randomBytes(24).toString("base64url")}`;
}
