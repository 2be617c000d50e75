import { comparableText, listVerdicts, type ListVerdict, type UnboundMessage } from "@wahub/domain";
import { UnknownPolicy, type ContentJson } from "@wahub/proto";
import type { Decision, StoredOpenAttempt, UnknownExit } from "@wahub/store";
import { errorText, type ListedMessage } from "@wahub/twilio";

/** The waits of finding out what became of messages; from the end of the lease, by when the request has ended. */
export interface ReconcileTimes {
  /** Until the first look: what was taken last shows in the list by then. */
  readonly afterMs: number;
  /** Between two looks that decide something together. */
  readonly settleMs: number;
  /** A list that cannot be had for so long is given up, and the batch's policy decides. */
  readonly deadlineMs: number;
}

/** What there is to decide about. */
export interface Known {
  /** All open attempts to the recipient, read after the list. */
  readonly attempts: readonly StoredOpenAttempt[];
  /** Messages whose turn it is. Others are decided about only together with them. */
  readonly taken: ReadonlySet<string>;
  readonly now: Date;
  readonly times: ReconcileTimes;
}

/** Decisions that are recorded together or not at all, and their word for the metrics. */
export interface DecisionGroup {
  readonly verdict: "found" | "absent" | "absent_once" | "ambiguous" | "pending" | "unavailable";
  /** Of messages about which the batch's policy decided. */
  readonly policies: readonly PolicyAct[];
  readonly decisions: readonly Decision[];
}

export type PolicyAct = "assume_sent" | "resend" | "hold";

/** What Twilio's list had, without what is bound. */
export interface Listed {
  readonly messages: readonly ListedMessage[];
  /** The recipient's number is written in two ways. */
  readonly aliased: boolean;
  /** Whether "Twilio does not have it" may be believed: no outcome of ours is waiting to be recorded. */
  readonly mayDecideAbsence: boolean;
}

/**
 * How far Twilio's clock, the senders' and the database's may be apart. Too little would overlook a message and send it twice;
 * too much only makes more of them look alike.
 */
export const clockSkewMs = 120_000;

/** Twilio gives a message up after ten hours where it is not told otherwise. */
const twilioValidityS = 36_000;

/** Decides about messages that are unknown after Twilio's list has been read. Pure. */
export function decideByList(known: Known, listed: Listed): DecisionGroup[] {
  const { attempts } = known;
  const verdicts = listVerdicts(
    attempts.map((attempt) => toOpen(attempt, known.times)),
    listed.messages.map((message): UnboundMessage => ({ ...message, at: message.createdAt })),
    { skewMs: clockSkewMs, aliased: listed.aliased },
  );
  const bySid = new Map(listed.messages.map((message) => [message.sid, message]));
  const groups = new Map<string, DecisionGroup>();
  for (const attempt of attempts) {
    const verdict = verdicts.get(keyOf(attempt))!;
    const among = "among" in verdict ? verdict.among : [keyOf(attempt)];
    const members = attempts.filter((one) => isUnknown(one) && among.includes(keyOf(one)));
    // Messages that are only assumed or given up count, and nothing is decided about them.
    if (!members.some((one) => known.taken.has(one.messageId)) || groups.has(among.join())) continue;
    groups.set(among.join(), decideGroup(members, verdicts));
  }
  return [...groups.values()];

  function decideGroup(members: readonly StoredOpenAttempt[], all: ReadonlyMap<string, ListVerdict>): DecisionGroup {
    const decided = members.map((member) => decideOne(known, member, all.get(keyOf(member))!, listed, bySid));
    return {
      verdict: decided[0]!.verdict,
      policies: decided.flatMap(({ policy }) => (policy === undefined ? [] : [policy])),
      decisions: decided.map(({ decision }) => decision),
    };
  }
}

/** Decides about the messages taken where Twilio's list cannot be had; each by itself. Pure. */
export function decideWithoutList(known: Known, waitMs: number): DecisionGroup[] {
  return known.attempts
    .filter((attempt) => attempt.kind === "unknown" && known.taken.has(attempt.messageId))
    .map((attempt) => {
      const overdue = attempt.sinceLeaseMs >= known.times.deadlineMs;
      const decided = overdue ? byPolicy(known, attempt) : again(known, attempt, waitMs);
      const policies = decided.policy === undefined ? [] : [decided.policy];
      return { verdict: "unavailable", policies, decisions: [decided.decision] };
    });
}

interface Decided {
  readonly decision: Decision;
  readonly policy?: PolicyAct;
}

function decideOne(
  known: Known,
  attempt: StoredOpenAttempt,
  verdict: ListVerdict,
  listed: Listed,
  bySid: ReadonlyMap<string, ListedMessage>,
): Decided & Pick<DecisionGroup, "verdict"> {
  const isTaken = known.taken.has(attempt.messageId);
  const { settleMs } = known.times;
  switch (verdict.kind) {
    case "found": {
      const { sid, status, errorCode } = bySid.get(verdict.sid)!;
      const errorMessage = errorCode === 0 ? "" : errorText(errorCode);
      const found = { kind: "found", sid, status, errorCode, errorMessage } as const;
      return { verdict: "found", decision: { ...stateOf(attempt), verdict: found } };
    }
    case "pending":
      return { verdict: "pending", ...again(known, attempt, settleMs) };
    case "absent": {
      if (!listed.mayDecideAbsence) {
        const overdue = attempt.sinceLeaseMs >= known.times.deadlineMs;
        return { verdict: "pending", ...(overdue ? byPolicy(known, attempt) : again(known, attempt, settleMs)) };
      }
      if (attempt.absences > 0) return { verdict: "absent", ...leave(attempt, "absent") };
      return { verdict: "absent_once", ...again(known, attempt, settleMs, attempt.absences + 1) };
    }
    case "ambiguous": {
      if (attempt.kind === "held") return { verdict: "ambiguous", ...keep(attempt) };
      // The list may be late: what is missing in it now may be there soon.
      const isFirstLook = attempt.sinceLeaseMs < known.times.afterMs + settleMs;
      if (!isFirstLook) return { verdict: "ambiguous", ...byPolicy(known, attempt) };
      return { verdict: "ambiguous", ...(isTaken ? again(known, attempt, settleMs) : keep(attempt)) };
    }
  }
}

function byPolicy(known: Known, attempt: StoredOpenAttempt): Decided {
  switch (attempt.unknownPolicy) {
    case UnknownPolicy.HOLD: {
      const verdict = { kind: "stay", reconcileAt: null, absences: attempt.absences } as const;
      return { policy: "hold", decision: { ...stateOf(attempt), verdict } };
    }
    case UnknownPolicy.RESEND: {
      const leftMs = (attempt.validityS ?? twilioValidityS) * 1000 - attempt.sinceLeaseMs;
      return leftMs > 0 ? again(known, attempt, leftMs) : { policy: "resend", ...leave(attempt, "again") };
    }
    case UnknownPolicy.ASSUME_SENT:
    case UnknownPolicy.UNSPECIFIED:
    default:
      return { policy: "assume_sent", ...leave(attempt, "assume") };
  }
}

function again(known: Known, attempt: StoredOpenAttempt, waitMs: number, absences = attempt.absences): Decided {
  if (!known.taken.has(attempt.messageId)) return keep(attempt);
  const reconcileAt = new Date(known.now.getTime() + waitMs);
  return { decision: { ...stateOf(attempt), verdict: { kind: "stay", reconcileAt, absences } } };
}

function leave(attempt: StoredOpenAttempt, exit: UnknownExit): Decided {
  return { decision: { ...stateOf(attempt), verdict: { kind: "leave", exit } } };
}

function keep(attempt: StoredOpenAttempt): Decided {
  return { decision: { ...stateOf(attempt), verdict: { kind: "keep" } } };
}

function stateOf({ messageId, attempt, absences }: StoredOpenAttempt): Omit<Decision, "verdict"> {
  return { messageId, attempt, absences };
}

function toOpen(attempt: StoredOpenAttempt, times: ReconcileTimes) {
  return {
    id: keyOf(attempt),
    since: attempt.claimedAt.getTime(),
    until: attempt.leaseUntil.getTime(),
    text: comparableText(textOf(attempt.content)),
    pending: attempt.kind === "sending" || (attempt.kind === "unknown" && attempt.sinceLeaseMs < times.afterMs),
  };
}

function textOf(content: ContentJson): string {
  return content.text?.body ?? "";
}

function isUnknown({ kind }: StoredOpenAttempt): boolean {
  return kind === "unknown" || kind === "held";
}

function keyOf({ messageId, attempt }: StoredOpenAttempt): string {
  return `${messageId}/${attempt}`;
}
