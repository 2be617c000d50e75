import { MessageStatus, MessageStatusSchema } from "@wahub/proto";

/** What the rest of the system needs to know about one status. */
export interface StatusRule {
  readonly status: MessageStatus;
  /** The word without prefix, as it appears in logs and metrics. */
  readonly name: string;
  /** The batch cannot be completed while a message stands here. */
  readonly unfinished: boolean;
  /** The batch cannot be settled while a message stands here (until the age limit). */
  readonly unsettled: boolean;
  /** The words of Twilio's `MessageStatus` that mean this status. */
  readonly twilioWords: readonly string[];
}

/**
 * Every status a message can have, in rank order: within one attempt a message only moves down this table. The number
 * is the rank, what PostgreSQL stores and the proto value, so comparing statuses is comparing numbers.
 *
 * A status is spread over: this table, MessageStatus in the proto, the hub's own steps in message-edges.ts, the tables and
 * the picture in docs/message-status.md (all tested against each other), and the timestamps that `applyCallbacks` in the
 * store fills.
 */
export const statusTable: readonly StatusRule[] = [
  rule(MessageStatus.ACCEPTED, { unfinished: true }),
  rule(MessageStatus.QUEUED, { unfinished: true }),
  rule(MessageStatus.SENDING, { unfinished: true }),
  rule(MessageStatus.UNKNOWN, { unfinished: true }),
  rule(MessageStatus.SUBMITTED, { unsettled: true, twilioWords: ["queued", "accepted", "scheduled", "sending"] }),
  rule(MessageStatus.SENT, { unsettled: true, twilioWords: ["sent"] }),
  rule(MessageStatus.CANCELED, { twilioWords: ["canceled"] }),
  rule(MessageStatus.UNDELIVERED, { twilioWords: ["undelivered"] }),
  rule(MessageStatus.FAILED, { twilioWords: ["failed"] }),
  rule(MessageStatus.DELIVERED, { twilioWords: ["delivered"] }),
  rule(MessageStatus.READ, { twilioWords: ["read"] }),
  rule(MessageStatus.EXPIRED, {}),
];

/** Statuses that keep a batch from being completed. */
export const unfinishedStatuses: readonly MessageStatus[] = statusTable
  .filter((r) => r.unfinished)
  .map((r) => r.status);

/** Statuses that keep a completed batch from being settled. */
export const unsettledStatuses: readonly MessageStatus[] = statusTable.filter((r) => r.unsettled).map((r) => r.status);

const byTwilioWord = new Map(statusTable.flatMap((r) => r.twilioWords.map((word) => [word, r.status] as const)));
const byStatus = new Map(statusTable.map((r) => [r.status, r]));

/**
 * Our status for Twilio's word. Undefined for a word we do not know (Twilio may add some) and for the words of inbound
 * messages; such a callback changes nothing.
 */
export function statusOfTwilioWord(word: string): MessageStatus | undefined {
  return byTwilioWord.get(word);
}

/** The word for logs and metrics: `delivered` for DELIVERED. */
export function statusName(status: MessageStatus): string {
  return byStatus.get(status)?.name ?? "unspecified";
}

/** True when `to` is reached from `from` within the same attempt. Equal statuses are no move. */
export function risesTo(from: MessageStatus, to: MessageStatus): boolean {
  return to > from;
}

function rule(status: MessageStatus, facts: Partial<Omit<StatusRule, "status" | "name">>): StatusRule {
  return {
    status,
    name: MessageStatusSchema.value[status]!.localName.toLowerCase(),
    unfinished: facts.unfinished ?? false,
    unsettled: facts.unsettled ?? false,
    twilioWords: facts.twilioWords ?? [],
  };
}
