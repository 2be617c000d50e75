import { TwilioFault } from "./twilio-fault.ts";
import type { CreateFault } from "../knobs/create-faults.ts";
import type { Answer } from "./answer.ts";

/** What a load balancer in front of an API says when it has nobody to ask. */
const BAD_GATEWAY =
  "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n" +
  "<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

const CREATED_PAGE = "<html><body><h1>201 Created</h1></body></html>\r\n";

const NO_ANSWER: Answer = { status: 0, body: null };

/** The answer to a create that is not accepted, and whether a 429 tells when to come back. */
export const REFUSED: Readonly<Record<Exclude<CreateFault, `accepted${string}`>, (retryAfter: boolean) => Answer>> = {
  "429": (retryAfter) => ({ ...refusal(429, 20429), withoutRetryAfter: !retryAfter }),
  "63038": (retryAfter) => ({ ...refusal(429, 63038), withoutRetryAfter: !retryAfter }),
  "401": () => refusal(401, 20003),
  "500": () => refusal(500, 20500),
  "503": () => refusal(503, 20503),
  html502: () => ({ status: 502, body: BAD_GATEWAY }),
  empty503: () => ({ status: 503, body: null }),
  reset: () => ({ ...NO_ANSWER, ending: "reset" }),
  hang: () => ({ ...NO_ANSWER, ending: "hang" }),
};

/** What is left of the answer to a create that was accepted. */
export const ACCEPTED: Readonly<Record<Extract<CreateFault, `accepted${string}`>, (whole: Answer) => Answer>> = {
  acceptedReset: () => ({ ...NO_ANSWER, ending: "reset" }),
  acceptedHang: () => ({ ...NO_ANSWER, ending: "hang" }),
  // Not a refusal, and so not counted as one.
  accepted500: () => ({ status: 500, body: new TwilioFault(500, 20500).toJSON() }),
  acceptedHtml502: () => ({ status: 502, body: BAD_GATEWAY }),
  acceptedEmpty503: () => ({ status: 503, body: null }),
  acceptedTruncated: (whole) => ({ ...whole, ending: "truncated" }),
  acceptedNoJson: (whole) => ({ ...whole, body: CREATED_PAGE }),
};

function refusal(status: number, code: number): Answer {
  return { status, body: new TwilioFault(status, code) };
}
