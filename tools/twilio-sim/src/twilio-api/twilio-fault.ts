/** What Twilio says with a code; where it was captured, to the letter. Codes that name a value have a builder below. */
const TEXTS: Readonly<Record<number, string>> = {
  20003: "Authenticate",
  20429: "Too Many Requests",
  20500: "An internal server error has occurred",
  20503: "Service is temporarily unavailable",
  21603: "A 'From' phone number is required.",
  21604: "A 'To' phone number is required.",
  21610: "Attempt to send to unsubscribed recipient",
  21611: "This 'From' number has exceeded the maximum number of queued messages",
  21617: "The concatenated message body exceeds the 1600 character limit",
  21619: "A text message body or media urls must be specified.",
  21620: "Invalid media URL(s)",
  21623: "Number of media files exceeds allowed limit",
  21655: "The ContentSid is Invalid",
  21656: "The Content Variables parameter is invalid.",
  21701: "The Messaging Service specified does not exist",
  21910: "Invalid From and To pair. From and To should be of the same channel",
  35118: "MessagingServiceSid is required to schedule a message",
  63007: "Twilio could not find a Channel with the specified From address",
  63031: "Channel message cannot have same From and To",
  63038: "Account exceeded the 50 daily messages limit",
};

/** A refusal: the HTTP status and Twilio's own code, which is what a client should look at first. */
export class TwilioFault extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message = TEXTS[code] ?? `Error ${code}`) {
    super(message);
    this.name = "TwilioFault";
    this.status = status;
    this.code = code;
  }

  /** The body of the answer. */
  toJSON(): { code: number; message: string; more_info: string; status: number } {
    const { code, message, status } = this;
    return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status };
  }
}

/** 404: nothing lives at this path. */
export function notFound(path: string): TwilioFault {
  return new TwilioFault(404, 20404, `The requested resource ${path} was not found`);
}

/** 400: a parameter outside its documented range. The code for this on lists is not documented; 20001 is assumed. */
export function invalidParameter(name: string): TwilioFault {
  return new TwilioFault(400, 20001, `Invalid value for parameter ${name}`);
}
