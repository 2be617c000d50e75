import type { ErrorScope } from "@wahub/domain";

/**
 * What a Twilio error code asks of us.
 *
 * - `permanent`: the same request will never succeed; with scope `batch`, nor will any other of the batch, so an answer of
 *   the API pauses the batch instead of failing its messages one by one
 * - `suppress`: as permanent, and nothing more should go to this recipient
 * - `transient`: another try may succeed
 * - `throttle`: too fast; the same request succeeds later
 * - `pause`: something about the sender, account or country must be put right first; the message keeps waiting
 * - `ambiguous`: Twilio may or may not have taken the message
 */
export type ErrorClass = "permanent" | "suppress" | "transient" | "throttle" | "pause" | "ambiguous";

/** One Twilio error code. */
export interface ErrorEntry {
  readonly code: number;
  readonly class: ErrorClass;
  readonly scope: ErrorScope;
  /** For people; names no number and no content. */
  readonly meaning: string;
}

/**
 * Every code this hub knows, in answers of the API and in callbacks. Twilio says that codes change, so they are data: a
 * new one is a line here, and until then it counts as permanent and raises an alert.
 *
 * 20xxx are about the request and the account, 21xxx about a message that the API refuses, 30xxx and 63xxx mostly
 * arrive later in a callback, 92xxx come from the Content API.
 */
export const errorTable: readonly ErrorEntry[] = [
  { code: 11751, class: "permanent", scope: "batch", meaning: "the media is too large for the channel" },
  { code: 20003, class: "pause", scope: "account", meaning: "Twilio refused the account SID or auth token" },
  { code: 20005, class: "pause", scope: "account", meaning: "the Twilio account is not active" },
  { code: 20006, class: "pause", scope: "account", meaning: "Twilio denied access to this resource" },
  { code: 20008, class: "pause", scope: "account", meaning: "not available with test credentials" },
  {
    code: 20404,
    class: "pause",
    scope: "account",
    meaning: "Twilio does not know this address: wrong account SID, region or base URL",
  },
  { code: 20429, class: "throttle", scope: "account", meaning: "too many requests at once for this Twilio account" },
  { code: 20500, class: "ambiguous", scope: "message", meaning: "internal error at Twilio" },
  { code: 20503, class: "ambiguous", scope: "message", meaning: "Twilio is unavailable" },
  { code: 21211, class: "suppress", scope: "recipient", meaning: "the recipient's number is invalid" },
  { code: 21212, class: "pause", scope: "sender", meaning: "the sender's number is invalid" },
  { code: 21217, class: "suppress", scope: "recipient", meaning: "the recipient's number does not appear to be valid" },
  { code: 21408, class: "pause", scope: "country", meaning: "the account may not send to this country" },
  { code: 21601, class: "pause", scope: "sender", meaning: "the sender cannot send messages" },
  { code: 21602, class: "permanent", scope: "message", meaning: "the message has no body" },
  { code: 21603, class: "permanent", scope: "message", meaning: "the request names no sender" },
  { code: 21604, class: "permanent", scope: "message", meaning: "the request names no recipient" },
  { code: 21605, class: "permanent", scope: "message", meaning: "the body is too long" },
  { code: 21606, class: "pause", scope: "sender", meaning: "the sender cannot send messages to this destination" },
  { code: 21607, class: "pause", scope: "account", meaning: "a trial account must send from the sandbox number" },
  { code: 21608, class: "permanent", scope: "recipient", meaning: "a trial account may only send to verified numbers" },
  { code: 21609, class: "permanent", scope: "batch", meaning: "the status callback URL is invalid" },
  { code: 21610, class: "suppress", scope: "recipient", meaning: "the recipient has unsubscribed from this sender" },
  { code: 21611, class: "throttle", scope: "sender", meaning: "Twilio's queue for this sender is full" },
  { code: 21612, class: "permanent", scope: "recipient", meaning: "the recipient cannot be reached from this sender" },
  { code: 21614, class: "suppress", scope: "recipient", meaning: "the recipient's number is not a mobile number" },
  { code: 21617, class: "permanent", scope: "message", meaning: "the body has more than 1600 characters" },
  { code: 21618, class: "permanent", scope: "message", meaning: "the body cannot be sent" },
  { code: 21619, class: "permanent", scope: "message", meaning: "the message has neither body, media nor template" },
  { code: 21620, class: "permanent", scope: "batch", meaning: "a media URL is invalid" },
  { code: 21623, class: "permanent", scope: "message", meaning: "the message has too many media" },
  { code: 21624, class: "permanent", scope: "message", meaning: "the validity period is invalid" },
  { code: 21654, class: "permanent", scope: "batch", meaning: "the template's SID is missing" },
  { code: 21655, class: "permanent", scope: "batch", meaning: "the template's SID is unknown" },
  { code: 21656, class: "permanent", scope: "message", meaning: "the template's variables are invalid" },
  { code: 21657, class: "pause", scope: "sender", meaning: "the sender id is invalid" },
  { code: 21658, class: "permanent", scope: "message", meaning: "a parameter is too long" },
  { code: 21659, class: "pause", scope: "sender", meaning: "the sender's number is not a Twilio number" },
  { code: 21660, class: "pause", scope: "sender", meaning: "the sender's number belongs to another account" },
  { code: 21701, class: "pause", scope: "sender", meaning: "the messaging service does not exist" },
  { code: 21703, class: "pause", scope: "sender", meaning: "the messaging service has no sender for this recipient" },
  { code: 21704, class: "pause", scope: "sender", meaning: "the messaging service has no senders" },
  { code: 21910, class: "permanent", scope: "message", meaning: "sender and recipient are not on the same channel" },
  { code: 30001, class: "throttle", scope: "sender", meaning: "the message waited too long in Twilio's queue" },
  { code: 30002, class: "pause", scope: "account", meaning: "the Twilio account was suspended" },
  { code: 30003, class: "transient", scope: "recipient", meaning: "the recipient's phone is off or out of reach" },
  { code: 30004, class: "suppress", scope: "recipient", meaning: "the message was blocked" },
  { code: 30005, class: "suppress", scope: "recipient", meaning: "the recipient's number is unknown" },
  {
    code: 30006,
    class: "suppress",
    scope: "recipient",
    meaning: "the recipient's number is a landline or cannot be reached",
  },
  { code: 30007, class: "permanent", scope: "batch", meaning: "the message was filtered because of its content" },
  { code: 30008, class: "transient", scope: "message", meaning: "unknown error on the way to the recipient" },
  { code: 30017, class: "transient", scope: "sender", meaning: "the carrier's network is congested" },
  { code: 30020, class: "transient", scope: "message", meaning: "internal error in Twilio's message scheduling" },
  { code: 30021, class: "transient", scope: "message", meaning: "internal error in Twilio's messaging service" },
  { code: 30022, class: "throttle", scope: "sender", meaning: "the sender is over its carrier's rate limit" },
  { code: 30023, class: "pause", scope: "account", meaning: "the account is over its carrier's daily limit" },
  { code: 30034, class: "pause", scope: "sender", meaning: "the sender is not registered with the carrier" },
  {
    code: 30036,
    class: "permanent",
    scope: "message",
    meaning: "the message could not be sent within its validity period",
  },
  { code: 30410, class: "transient", scope: "message", meaning: "the provider behind Twilio did not answer in time" },
  { code: 30500, class: "transient", scope: "message", meaning: "internal error at Twilio while sending" },
  { code: 35111, class: "permanent", scope: "message", meaning: "the time to send at is missing" },
  { code: 35114, class: "permanent", scope: "message", meaning: "the time to send at is too soon or too far away" },
  { code: 35115, class: "permanent", scope: "message", meaning: "the time to send at is too far away" },
  { code: 35117, class: "permanent", scope: "message", meaning: "the time to send at is too soon" },
  { code: 35118, class: "permanent", scope: "message", meaning: "scheduling needs a messaging service" },
  { code: 35125, class: "throttle", scope: "account", meaning: "the account has too many scheduled messages" },
  { code: 63001, class: "pause", scope: "sender", meaning: "WhatsApp refused the sender's credentials" },
  { code: 63002, class: "pause", scope: "sender", meaning: "WhatsApp does not know the sender" },
  { code: 63003, class: "suppress", scope: "recipient", meaning: "the recipient is not on WhatsApp" },
  { code: 63005, class: "permanent", scope: "message", meaning: "WhatsApp did not accept the content" },
  { code: 63006, class: "permanent", scope: "message", meaning: "the content has no form that WhatsApp accepts" },
  { code: 63007, class: "pause", scope: "sender", meaning: "the sender is not a WhatsApp sender of this account" },
  { code: 63008, class: "pause", scope: "sender", meaning: "the WhatsApp sender is not set up correctly" },
  { code: 63009, class: "transient", scope: "message", meaning: "WhatsApp answered with a server error" },
  { code: 63010, class: "transient", scope: "message", meaning: "internal error at Twilio's channel platform" },
  { code: 63011, class: "permanent", scope: "message", meaning: "the channel found the request invalid" },
  { code: 63012, class: "transient", scope: "message", meaning: "internal error at WhatsApp" },
  { code: 63013, class: "permanent", scope: "sender", meaning: "the message is against WhatsApp's policy" },
  { code: 63014, class: "suppress", scope: "recipient", meaning: "the recipient has blocked the sender" },
  { code: 63015, class: "permanent", scope: "recipient", meaning: "the recipient has not joined the sandbox" },
  {
    code: 63016,
    class: "permanent",
    scope: "message",
    meaning: "outside the 24-hour window only templates may be sent",
  },
  { code: 63017, class: "throttle", scope: "sender", meaning: "the sender is over its rate limit" },
  { code: 63018, class: "throttle", scope: "sender", meaning: "the sender is over WhatsApp's rate or messaging limit" },
  { code: 63019, class: "permanent", scope: "batch", meaning: "the media could not be downloaded" },
  { code: 63020, class: "pause", scope: "account", meaning: "the Meta Business Manager account has a problem" },
  { code: 63021, class: "permanent", scope: "message", meaning: "WhatsApp found the content invalid" },
  { code: 63022, class: "pause", scope: "sender", meaning: "the sender's name certificate is invalid" },
  { code: 63023, class: "transient", scope: "message", meaning: "WhatsApp reported a general error" },
  { code: 63024, class: "suppress", scope: "recipient", meaning: "the recipient cannot receive WhatsApp messages" },
  { code: 63025, class: "permanent", scope: "message", meaning: "the media already exists" },
  { code: 63026, class: "pause", scope: "sender", meaning: "the sender's content was flagged as spam" },
  { code: 63027, class: "permanent", scope: "batch", meaning: "the template does not exist in this language" },
  { code: 63028, class: "permanent", scope: "batch", meaning: "the template takes another number of variables" },
  { code: 63029, class: "permanent", scope: "recipient", meaning: "the recipient could not load the template" },
  { code: 63030, class: "permanent", scope: "message", meaning: "a parameter is not supported by the channel" },
  { code: 63031, class: "permanent", scope: "message", meaning: "sender and recipient are the same" },
  { code: 63032, class: "permanent", scope: "recipient", meaning: "the recipient is in a WhatsApp experiment" },
  { code: 63033, class: "suppress", scope: "recipient", meaning: "the recipient is blocked" },
  { code: 63034, class: "permanent", scope: "batch", meaning: "the media is too large" },
  { code: 63035, class: "permanent", scope: "sender", meaning: "the RCS agent is not launched" },
  { code: 63036, class: "permanent", scope: "recipient", meaning: "the recipient cannot be reached by RCS" },
  { code: 63037, class: "transient", scope: "message", meaning: "the media could not be uploaded to the channel" },
  { code: 63038, class: "pause", scope: "account", meaning: "the account has used up its messages for today" },
  { code: 63040, class: "permanent", scope: "batch", meaning: "the template was rejected" },
  { code: 63041, class: "permanent", scope: "batch", meaning: "the template is paused for low quality" },
  { code: 63042, class: "permanent", scope: "batch", meaning: "the template is disabled" },
  { code: 63049, class: "permanent", scope: "recipient", meaning: "Meta chose not to deliver this marketing message" },
  { code: 63050, class: "permanent", scope: "message", meaning: "the channel refused the message" },
  { code: 63051, class: "pause", scope: "account", meaning: "the WhatsApp Business Account is locked" },
  { code: 63052, class: "permanent", scope: "batch", meaning: "the template has reached its end of life" },
  {
    code: 63062,
    class: "pause",
    scope: "account",
    meaning: "the terms of the Marketing Messages API are not accepted",
  },
  { code: 63112, class: "pause", scope: "account", meaning: "Meta has disabled the WhatsApp Business Account" },
  { code: 92002, class: "permanent", scope: "message", meaning: "the template has too many variables" },
  { code: 92005, class: "permanent", scope: "batch", meaning: "the template's SID is missing" },
  { code: 92006, class: "permanent", scope: "batch", meaning: "the template's SID is invalid" },
  { code: 92007, class: "permanent", scope: "message", meaning: "the template's variables are invalid" },
  { code: 92008, class: "permanent", scope: "batch", meaning: "the type of content is not supported" },
];
