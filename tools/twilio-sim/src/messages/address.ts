export const WHATSAPP_PREFIX = "whatsapp:";

const E164 = /^\+[1-9]\d{6,14}$/;

/** Whether `text` is an E.164 number with its plus sign and nothing else. */
export function isE164(text: string): boolean {
  return E164.test(text);
}

/** Whether `address` speaks of the WhatsApp channel. */
export function isWhatsApp(address: string): boolean {
  return address.startsWith(WHATSAPP_PREFIX);
}

/** The number without its channel: `whatsapp:+1555...` becomes `+1555...`. */
export function withoutChannel(address: string): string {
  return isWhatsApp(address) ? address.slice(WHATSAPP_PREFIX.length) : address;
}

/** The number with its last four digits hidden, as Twilio writes ChannelToAddress and as logs may show it. */
export function maskLastFour(number: string): string {
  return number.replace(/\d{4}$/, "XXXX");
}
