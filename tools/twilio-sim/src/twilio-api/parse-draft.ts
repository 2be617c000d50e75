import { isE164, isWhatsApp, withoutChannel } from "../messages/address.ts";
import { checkContent } from "./check-content.ts";
import { all, one } from "./read-form.ts";
import { TwilioFault } from "./twilio-fault.ts";
import type { Draft } from "../messages/record.ts";
import type { Form } from "./read-form.ts";

const MAX_BODY_CHARACTERS = 1_600;
const MAX_MEDIA = 10;
const MAX_VALIDITY_S = 36_000;

/**
 * Reads the form of a create into a message, or throws the TwilioFault of the first thing that is wrong with it. Twilio
 * does not document the order of its checks; this one asks for what is missing before it looks at what is there.
 */
export function parseDraft(form: Form, senders: ReadonlySet<string>): Draft {
  const to = one(form, "To");
  const from = one(form, "From");
  const body = one(form, "Body") ?? "";
  const media = all(form, "MediaUrl");
  const contentSid = one(form, "ContentSid");
  const statusCallback = one(form, "StatusCallback") ?? null;

  if (to === undefined) throw new TwilioFault(400, 21604);
  // This account has no Messaging Services: every sid is one that does not exist.
  if (one(form, "MessagingServiceSid") !== undefined) throw new TwilioFault(404, 21701);
  if (from === undefined) throw new TwilioFault(400, 21603);
  if (body === "" && media.length === 0 && contentSid === undefined) throw new TwilioFault(400, 21619);
  checkAddresses(to, from, senders);
  if (body.length > MAX_BODY_CHARACTERS && Array.from(body).length > MAX_BODY_CHARACTERS)
    throw new TwilioFault(400, 21617);
  checkMedia(media);
  checkContent(contentSid, one(form, "ContentVariables"));
  if (statusCallback !== null) checkStatusCallback(statusCallback);
  checkValidityPeriod(one(form, "ValidityPeriod"));
  // Scheduling needs a Messaging Service, and there is none here.
  if (one(form, "SendAt") !== undefined || one(form, "ScheduleType") !== undefined) throw new TwilioFault(400, 35118);

  return { to, from, body, numMedia: media.length, fromTemplate: contentSid !== undefined, statusCallback };
}

function checkAddresses(to: string, from: string, senders: ReadonlySet<string>): void {
  if (isWhatsApp(to) !== isWhatsApp(from)) throw new TwilioFault(400, 21910);
  if (!isE164(withoutChannel(to))) {
    throw new TwilioFault(400, 21211, `The 'To' number ${to} is not a valid phone number.`);
  }
  if (!isWhatsApp(from)) {
    const message = `'From' ${from} is not a Twilio phone number or Short Code country mismatch`;
    throw new TwilioFault(400, 21659, message);
  }
  if (!senders.has(withoutChannel(from))) throw new TwilioFault(400, 63007);
  if (to === from) throw new TwilioFault(400, 63031);
}

function checkMedia(urls: readonly string[]): void {
  if (urls.length > MAX_MEDIA) throw new TwilioFault(400, 21623);
  if (!urls.every(isHttpUrl)) throw new TwilioFault(400, 21620);
}

function checkStatusCallback(url: string): void {
  if (isHttpUrl(url) && !new URL(url).hostname.includes("_")) return;
  throw new TwilioFault(400, 21609, `The 'StatusCallback' URL ${url} is not a valid URL.`);
}

function checkValidityPeriod(text: string | undefined): void {
  if (text === undefined || (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_VALIDITY_S)) return;
  throw new TwilioFault(400, 21624, `The ValidityPeriod ${text} is invalid. It must be from 1 to ${MAX_VALIDITY_S}.`);
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^/?#]/i.test(text) && /^[\x21-\x7e]+$/.test(text) && URL.canParse(text);
}
