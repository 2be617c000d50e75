import { comparableText, listVerdicts, type ListVerdict, type UnboundMessage } from "@wahub/domain";
import { UnknownPolicy, type ContentJson } from "@wahub/proto";
import type { Decision, StoredOpenAttempt, UnknownExit } from "@wahub/store";
import { errorText, type ListedMessage } from "@wahub/twilio";

/** The waits of finding out what became of messages. */
export interface ReconcileTimes {
  /** From the end of the lease, by when the request has ended, until the first look: what was taken last shows in the list by then. */
  readonly afterMs: number;
  /** Between two looks that decide something together. */
  readonly settleMs: number;
  /** A list that could not be had in any look at a message since its first failed one is given up: its batch's policy decides. */
  readonly deadlineMs: number;
}

/** What there is to decide about. */
export interface Known {
  /** All open attempts to the recipient, read after the list. */
  readonly attempts: readonly StoredOpenAttempt[];
  /** Messages whose turn it is, with what taking them said. Others are decided about only together with them. */
  readonly taken: ReadonlyMap<string, Date>;
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

/** Decides about the messages taken where Twilio was asked and its list could not be had; each by itself. Pure. */
export function decideWithoutList(known: Known, waitMs: number): DecisionGroup[] {
  return eachTaken(known, (attempt) => {
    const unlistedSince = attempt.unlistedSince ?? known.now;
    const overdue = known.now.getTime() - unlistedSince.getTime() >= known.times.deadlineMs;
    return overdue ? byPolicy(known, attempt, unlistedSince) : again(known, attempt, waitMs, { unlistedSince });
  });
}

/** Puts off the messages taken where Twilio is not asked just now: not to ask says nothing about a message. Pure. */
export function decideUnasked(known: Known, waitMs: number): DecisionGroup[] {
  return eachTaken(known, (attempt) => again(known, attempt, waitMs, { unlistedSince: attempt.unlistedSince }));
}

function eachTaken(known: Known, decide: (attempt: StoredOpenAttempt) => Decided): DecisionGroup[] {
  return known.attempts
    .filter((attempt) => attempt.kind === "unknown" && known.taken.has(attempt.messageId))
    .map((attempt) => {
      const { decision, policy } = decide(attempt);
      return { verdict: "unavailable", policies: policy === undefined ? [] : [policy], decisions: [decision] };
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
      return { verdict: "found", decision: { ...stateOf(known, attempt), verdict: found } };
    }
    case "pending":
      return { verdict: "pending", ...again(known, attempt, settleMs) };
    case "absent": {
      // However long that takes: the list was had, and what waits says more than a policy could.
      if (!listed.mayDecideAbsence) return { verdict: "pending", ...again(known, attempt, settleMs) };
      if (attempt.absences > 0) return { verdict: "absent", ...leave(known, attempt, "absent") };
      return { verdict: "absent_once", ...again(known, attempt, settleMs, { absences: attempt.absences + 1 }) };
    }
    case "ambiguous": {
      if (attempt.kind === "held") return { verdict: "ambiguous", ...keep(known, attempt) };
      // The list may be late: what is missing in it now may be there soon.
      const isFirstLook = attempt.sinceLeaseMs < known.times.afterMs + settleMs;
      if (!isFirstLook) return { verdict: "ambiguous", ...byPolicy(known, attempt) };
      return { verdict: "ambiguous", ...(isTaken ? again(known, attempt, settleMs) : keep(known, attempt)) };
    }
  }
}

/** @param unlistedSince where the list could not be had: since when */
function byPolicy(known: Known, attempt: StoredOpenAttempt, unlistedSince?: Date): Decided {
  const { absences } = attempt;
  switch (attempt.unknownPolicy) {
    case UnknownPolicy.HOLD: {
      const verdict = { kind: "stay", reconcileAt: null, absences, unlistedSince } as const;
      return { policy: "hold", decision: { ...stateOf(known, attempt), verdict } };
    }
    case UnknownPolicy.RESEND: {
      const leftMs = (attempt.validityS ?? twilioValidityS) * 1000 - attempt.sinceLeaseMs;
      if (leftMs > 0) return again(known, attempt, leftMs, { unlistedSince });
      return { policy: "resend", ...leave(known, attempt, "again") };
    }
    case UnknownPolicy.ASSUME_SENT:
    case UnknownPolicy.UNSPECIFIED:
    default:
      return { policy: "assume_sent", ...leave(known, attempt, "assume") };
  }
}

function again(
  known: Known,
  attempt: StoredOpenAttempt,
  waitMs: number,
  change: { readonly absences?: number; readonly unlistedSince?: Date | undefined } = {},
): Decided {
  if (!known.taken.has(attempt.messageId)) return keep(known, attempt);
  const reconcileAt = new Date(known.now.getTime() + waitMs);
  const verdict = { kind: "stay", reconcileAt, absences: attempt.absences, ...change } as const;
  return { decision: { ...stateOf(known, attempt), verdict } };
}

function leave(known: Known, attempt: StoredOpenAttempt, exit: UnknownExit): Decided {
  return { decision: { ...stateOf(known, attempt), verdict: { kind: "leave", exit } } };
}

function keep(known: Known, attempt: StoredOpenAttempt): Decided {
  return { decision: { ...stateOf(known, attempt), verdict: { kind: "keep" } } };
}

function stateOf({ taken }: Known, { messageId, attempt, absences }: StoredOpenAttempt): Omit<Decision, "verdict"> {
  return { messageId, attempt, absences, takenUntil: taken.get(messageId) };
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
