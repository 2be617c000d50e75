import { textsDiffer } from "./comparable-text.ts";

/**
 * An attempt of ours to one recipient that is bound to no message of the provider's: it has, or had, no clear answer. Instants
 * are ms since 1970.
 */
export interface OpenAttempt {
  readonly id: string;
  /** Its request did not leave before. */
  readonly since: number;
  /** Its request had ended by then. */
  readonly until: number;
  /** From `comparableText`. */
  readonly text: string;
  /** On its way, or over for too short a time to be asked about. */
  readonly pending: boolean;
}

/** A message to that recipient in the provider's list that is bound to no attempt of ours. */
export interface UnboundMessage {
  readonly sid: string;
  /** When the provider took it, ms since 1970. */
  readonly at: number;
  /** From `comparableText`. */
  readonly text: string;
}

/** What the list says about one attempt. `among`: the attempts, itself included, that the same messages could belong to. */
export type ListVerdict =
  /** The provider has it. Among equal ones it does not matter whose is whose; the earlier is bound to the earlier. */
  | { readonly kind: "found"; readonly sid: string; readonly among: readonly string[] }
  /** The provider does not have it, as far as this list goes. */
  | { readonly kind: "absent" }
  /** Nobody can say: not as many messages as attempts, or numbers that the list may write in another way. */
  | { readonly kind: "ambiguous"; readonly among: readonly string[] }
  /** To be asked again: an attempt that it could be mixed up with is not over yet. */
  | { readonly kind: "pending" };

/**
 * Compares the attempts to one recipient with the provider's complete list of messages to it. Both must be complete: every
 * attempt of which nobody knows (also assumed and given up ones), every message not bound to another attempt, and the list
 * older than the knowledge of what is bound. An attempt makes one message at most, so a group of attempts with as many
 * messages as attempts was taken whole. Texts only exclude: equal ones prove nothing.
 *
 * @param options.skewMs how far the clocks may be apart; widens the time in which a message can belong to an attempt
 * @param options.aliased the recipient's number is written in two ways: what is not found may be listed under the other
 */
export function listVerdicts(
  attempts: readonly OpenAttempt[],
  messages: readonly UnboundMessage[],
  options: { readonly skewMs: number; readonly aliased: boolean },
): ReadonlyMap<string, ListVerdict> {
  const verdicts = new Map<string, ListVerdict>();
  for (const group of groupsOf(attempts, messages, options.skewMs)) {
    const among = group.attempts.map(({ id }) => id);
    const sids = group.messages.length === group.attempts.length ? assign(group, options.skewMs) : undefined;
    for (const { id } of group.attempts) verdicts.set(id, verdict(id));

    function verdict(id: string): ListVerdict {
      if (group.attempts.some((one) => isHeldUp(one, attempts, options.skewMs))) return { kind: "pending" };
      const sid = sids?.get(id);
      if (sid !== undefined) return { kind: "found", sid, among };
      return group.messages.length === 0 && !options.aliased ? { kind: "absent" } : { kind: "ambiguous", among };
    }
  }
  return verdicts;
}

interface Group {
  readonly attempts: OpenAttempt[];
  readonly messages: UnboundMessage[];
}

/** Attempts that share messages, and these; an attempt without a message is alone. */
function groupsOf(attempts: readonly OpenAttempt[], messages: readonly UnboundMessage[], skewMs: number): Group[] {
  let groups: Group[] = attempts.map((attempt) => ({ attempts: [attempt], messages: [] }));
  for (const message of messages) {
    const touched = groups.filter((group) => group.attempts.some((attempt) => fits(attempt, message, skewMs)));
    if (touched.length === 0) continue;
    const merged = {
      attempts: attempts.filter((attempt) => touched.some((group) => group.attempts.includes(attempt))),
      messages: [...touched.flatMap((group) => group.messages), message],
    };
    groups = [...groups.filter((group) => !touched.includes(group)), merged];
  }
  return groups;
}

/**
 * The messages in order of time, each to the attempt it fits whose time ends first; for windows that finds a way wherever there
 * is one. Undefined where a message fits none that is left.
 */
function assign(group: Group, skewMs: number): Map<string, string> | undefined {
  const left = new Set(group.attempts.toSorted((a, b) => a.until - b.until || a.since - b.since || order(a.id, b.id)));
  const sids = new Map<string, string>();
  for (const message of group.messages.toSorted((a, b) => a.at - b.at || order(a.sid, b.sid))) {
    const attempt = [...left].find((one) => fits(one, message, skewMs));
    if (attempt === undefined) return undefined;
    left.delete(attempt);
    sids.set(attempt.id, message.sid);
  }
  return sids;
}

function fits(attempt: OpenAttempt, message: UnboundMessage, skewMs: number): boolean {
  const inTime = message.at >= attempt.since - skewMs && message.at <= attempt.until + skewMs;
  return inTime && !textsDiffer(attempt.text, message.text);
}

function isHeldUp(attempt: OpenAttempt, attempts: readonly OpenAttempt[], skewMs: number): boolean {
  return attempts.some(
    (other) =>
      other.pending && other.since - skewMs <= attempt.until + skewMs && attempt.since - skewMs <= other.until + skewMs,
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
