import type { SendOutcome } from "@wahub/domain";
import type { SendingScope } from "@wahub/store";

/** What an outcome asks for beyond its own message. */
export type Act =
  | { readonly do: "pause"; readonly scope: SendingScope | "batch"; readonly code: number; readonly reason: string }
  | { readonly do: "slow"; readonly scope: SendingScope; readonly retryAfterMs: number | undefined }
  /** The message tried for the scope and got through. */
  | { readonly do: "pass"; readonly scope: SendingScope }
  /** It tried in vain. `lengthen`: the scope is no better; otherwise nobody can say. */
  | {
      readonly do: "fail";
      readonly scope: SendingScope;
      readonly lengthen: boolean;
      readonly trouble?: { readonly code: number; readonly reason: string };
    }
  /** Nothing is paused: other countries go on. */
  | { readonly do: "tell_country"; readonly code: number };

/** Why a run of outcomes that nobody can interpret pauses an account. */
export const unknownOutcomes = "unknown_outcomes";

/** Why a run of requests pauses an account whose last found no connection. */
export const noConnection = "no_connection";

/**
 * What follows from an outcome for the sender, the account and the batch of its message.
 *
 * @param triesFor what the message tried for; what was on its way when a scope was paused did not
 * @param isRun whether the outcome completes a run of those without an answer
 */
export function actsOf(outcome: SendOutcome, triesFor: readonly SendingScope[], isRun: boolean): Act[] {
  return [...triesFor.map((scope) => verdict(outcome, scope)), ...ownActs(outcome, triesFor, isRun)];
}

/** What the try says about the scope. */
function verdict(outcome: SendOutcome, scope: SendingScope): Act {
  switch (outcome.kind) {
    case "submitted":
    case "rejected":
      return { do: "pass", scope };
    case "paused":
      if (outcome.scope === scope) return { do: "fail", scope, lengthen: true, trouble: troubleOf(outcome) };
      // What is wrong with the account hides the sender; whatever else is wrong, Twilio got as far as seeing it.
      return outcome.scope === "account" ? { do: "fail", scope, lengthen: false } : { do: "pass", scope };
    case "unknown":
      return { do: "fail", scope, lengthen: true };
    case "throttled":
    case "transient":
    case "unreachable":
      return { do: "fail", scope, lengthen: false };
  }
}

function ownActs(outcome: SendOutcome, triesFor: readonly SendingScope[], isRun: boolean): Act[] {
  switch (outcome.kind) {
    case "paused": {
      const { scope, code } = outcome;
      if (scope === "country") return [{ do: "tell_country", code }];
      if (scope === "batch") return [{ do: "pause", scope, ...troubleOf(outcome) }];
      const isScope = scope === "account" || scope === "sender";
      return isScope && !triesFor.includes(scope) ? [{ do: "pause", scope, ...troubleOf(outcome) }] : [];
    }
    case "throttled": {
      const { scope, retryAfterMs } = outcome;
      return scope === "account" || scope === "sender" ? [{ do: "slow", scope, retryAfterMs }] : [];
    }
    case "unknown":
    case "unreachable": {
      const reason = outcome.kind === "unknown" ? unknownOutcomes : noConnection;
      return isRun && !triesFor.includes("account") ? [{ do: "pause", scope: "account", code: 0, reason }] : [];
    }
    case "submitted":
    case "rejected":
    case "transient":
      return [];
  }
}

function troubleOf({ code, message }: { readonly code: number; readonly message: string }) {
  return { code, reason: message };
}
