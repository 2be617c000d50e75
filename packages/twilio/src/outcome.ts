import type { SendOutcome } from "@wahub/domain";
import { errorClassOf, errorText } from "./error-classes.ts";
import type { ErrorEntry } from "./error-table.ts";
import { RequestFailure } from "./request-failure.ts";

/** What came back from `POST .../Messages.json`. */
export interface ProviderAnswer {
  readonly httpStatus: number;
  /** `code` of Twilio's error body; absent where the body is not Twilio's JSON. */
  readonly code?: number;
  /** `sid` of the created message. */
  readonly sid?: string;
  /** `message` of Twilio's error body; may quote the recipient's number. */
  readonly message?: string;
  /** From the `Retry-After` header. */
  readonly retryAfterMs?: number;
}

/**
 * What an answer means. The code is tested before the HTTP status: 63038, the used-up day, comes as a 429.
 *
 * A code that ends all messages of a batch (a template that does not exist) pauses the batch and keeps the message: what
 * is wrong can be mended, and one mistake must not use up a campaign.
 *
 * An outcome that lets the message go out again needs proof that Twilio did not take it, and a 5xx proves nothing. So
 * there only a code that ends the message counts, and any other 5xx is `unknown`, as is a 4xx that did not come from
 * Twilio itself.
 */
export function outcomeOfAnswer(answer: ProviderAnswer): SendOutcome {
  const { httpStatus, code } = answer;
  if (httpStatus >= 200 && httpStatus < 300) return outcomeOfSuccess(answer.sid);
  const known = code === undefined ? undefined : errorClassOf(code);
  const outcome = known && outcomeOfCode(known, answer);
  if (httpStatus >= 500 && outcome?.kind !== "rejected") return { kind: "unknown", why: "server_error" };
  if (outcome !== undefined) return outcome;
  if (httpStatus === 429) return throttled(code ?? 0, "account", answer);
  if (httpStatus >= 300 && httpStatus < 400) {
    const message = `unexpected redirect (HTTP ${httpStatus}): is the Twilio base URL right?`;
    return { kind: "paused", code: code ?? 0, scope: "account", message };
  }
  if (httpStatus >= 400 && code !== undefined) {
    return { kind: "rejected", code, scope: "message", message: unknownCodeText(code, answer.message) };
  }
  return { kind: "unknown", why: "unexpected_status" };
}

/** True where a refusal carries a code that the table lacks: somebody should look at it and add a line. */
export function hasUnknownCode(answer: ProviderAnswer): boolean {
  return answer.httpStatus >= 300 && answer.code !== undefined && errorClassOf(answer.code) === undefined;
}

/**
 * What a request without a whole answer means.
 *
 * @param error as the HTTP client throws it; of anything else nobody can say how far the request got
 */
export function outcomeOfFailure(error: unknown): SendOutcome {
  if (!(error instanceof RequestFailure)) return { kind: "unknown", why: "connection_lost" };
  switch (error.kind) {
    case "not_started":
      return { kind: "throttled", code: 0, scope: "message", retryAfterMs: 0 };
    case "not_sent":
      return { kind: "unreachable", message: `no connection to Twilio${error.code ? ` (${error.code})` : ""}` };
    case "timeout":
    case "connection_lost":
    case "unreadable_answer":
      return { kind: "unknown", why: error.kind };
  }
}

function outcomeOfSuccess(sid: string | undefined): SendOutcome {
  return sid !== undefined && /^(SM|MM)[0-9a-f]{32}$/i.test(sid)
    ? { kind: "submitted", sid }
    : { kind: "unknown", why: "unreadable_answer" };
}

function outcomeOfCode(entry: ErrorEntry, answer: ProviderAnswer): SendOutcome {
  const { code, class: errorClass, scope, meaning: message } = entry;
  switch (errorClass) {
    case "permanent":
      return { kind: scope === "batch" ? "paused" : "rejected", code, scope, message };
    case "suppress":
      return { kind: "rejected", code, scope: "recipient", message };
    case "transient":
      return { kind: "transient", code, message };
    case "throttle":
      return throttled(code, scope, answer);
    case "pause":
      return { kind: "paused", code, scope, message };
    case "ambiguous":
      return { kind: "unknown", why: "server_error" };
  }
}

type Throttled = Extract<SendOutcome, { kind: "throttled" }>;

function throttled(code: number, scope: Throttled["scope"], { retryAfterMs }: ProviderAnswer): Throttled {
  return { kind: "throttled", code, scope, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** A number as people write it: five digits or more, however they are set apart. */
const numberLike = /[+(]{0,2}\d(?:[\s()./-]{0,3}\d){4,}/g;

/** Twilio's own words help with a code that nobody has seen before; the numbers they quote are cut out. */
function unknownCodeText(code: number, message: string | undefined): string {
  if (message === undefined || message === "") return errorText(code);
  return `${errorText(code)}: ${message.replace(numberLike, "...").slice(0, 200)}`;
}
