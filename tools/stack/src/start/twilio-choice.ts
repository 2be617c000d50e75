import type { TwilioAccount } from "../account.ts";
import type { Environment } from "./environment.ts";

/** Where messages go. */
export type TwilioChoice =
  | { readonly kind: "simulated"; readonly account: TwilioAccount }
  | { readonly kind: "real"; readonly settings: Readonly<Record<string, string>> };

/** The account that the simulator comes with. It stays the same, so that messages of an earlier start can go on. */
export const simulatedAccount: TwilioAccount = {
  accountSid: `AC${"5150".repeat(8)}`,
  authToken: "5150".repeat(8),
  from: "+18005550199",
};

const needed = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_WHATSAPP_FROM", "PUBLIC_WEBHOOK_URL"];

/** Variables about Twilio; without --real-twilio none of them counts. */
export const twilioVariables = [...needed, "TWILIO_API_BASE_URL"];

/** The simulator unless real Twilio was asked for and everything it takes is there. */
export function chooseTwilio(env: Environment, real: boolean): { choice: TwilioChoice; faults: string[] } {
  if (!real) return { choice: { kind: "simulated", account: simulatedAccount }, faults: [] };
  const set = twilioVariables.filter((name) => (env[name] ?? "") !== "");
  const missing = needed.filter((name) => !set.includes(name));
  const faults: string[] = [];
  if (missing.length > 0) faults.push(`--real-twilio needs ${missing.join(", ")} in .env or the environment`);
  const webhook = URL.parse(env["PUBLIC_WEBHOOK_URL"] ?? "");
  if (webhook !== null && isLocal(webhook.hostname)) {
    faults.push(
      `PUBLIC_WEBHOOK_URL leads to ${webhook.hostname}, where Twilio cannot reach it: use a tunnel's address`,
    );
  }
  const api = env["TWILIO_API_BASE_URL"] ?? "";
  if (api !== "" && !isTwilio(api)) {
    faults.push("TWILIO_API_BASE_URL does not lead to Twilio; leave it out with --real-twilio");
  }
  return {
    choice: { kind: "real", settings: Object.fromEntries(set.map((name) => [name, env[name] ?? ""])) },
    faults,
  };
}

function isLocal(hostname: string): boolean {
  return /^(localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(hostname);
}

function isTwilio(url: string): boolean {
  const { protocol = "", hostname = "" } = URL.parse(url) ?? {};
  return protocol === "https:" && (hostname === "twilio.com" || hostname.endsWith(".twilio.com"));
}
