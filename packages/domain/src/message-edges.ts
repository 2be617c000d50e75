import { MessageStatus } from "@wahub/proto";
import { risesTo, statusTable } from "./message-status.ts";

/**
 * What moves a message from one status to another.
 *
 * - `plan`: its turn has come
 * - `defer`: it has to wait for a limit longer than a sender holds it
 * - `pause`: its batch is paused before a sender takes it in hand
 * - `claim`: a sender takes it in hand
 * - `outcome`: that sender says what came of the request, also when its lease has run out meanwhile
 * - `lease`: that sender has said nothing for too long
 * - `cancel`: its batch has been canceled before it left
 * - `expire`: its batch's time was over before it left
 * - `reconcile`: nobody knew what became of it; Twilio's list of messages says it, or the batch's policy decides
 * - `callback`: Twilio says where the message is
 */
export type Mover =
  | "plan"
  | "defer"
  | "pause"
  | "claim"
  | "outcome"
  | "lease"
  | "cancel"
  | "expire"
  | "reconcile"
  | "callback";

/** One way from a status to another. */
export interface StatusEdge {
  readonly from: MessageStatus;
  readonly to: MessageStatus;
  readonly by: Mover;
}

const { ACCEPTED, QUEUED, SENDING, UNKNOWN, SUBMITTED, CANCELED, FAILED, EXPIRED } = MessageStatus;

/** The hub's own steps. Those that lead back to accepted are the only ones against the rank. */
const ownEdges: readonly StatusEdge[] = [
  { from: ACCEPTED, to: QUEUED, by: "plan" },
  { from: QUEUED, to: ACCEPTED, by: "defer" },
  { from: QUEUED, to: ACCEPTED, by: "pause" },
  { from: QUEUED, to: SENDING, by: "claim" },
  { from: SENDING, to: SUBMITTED, by: "outcome" },
  { from: SENDING, to: ACCEPTED, by: "outcome" },
  { from: SENDING, to: FAILED, by: "outcome" },
  { from: SENDING, to: UNKNOWN, by: "outcome" },
  { from: SENDING, to: UNKNOWN, by: "lease" },
  { from: UNKNOWN, to: SUBMITTED, by: "outcome" },
  { from: UNKNOWN, to: ACCEPTED, by: "outcome" },
  { from: UNKNOWN, to: FAILED, by: "outcome" },
  { from: SENDING, to: CANCELED, by: "outcome" },
  { from: SENDING, to: EXPIRED, by: "outcome" },
  { from: UNKNOWN, to: CANCELED, by: "outcome" },
  { from: UNKNOWN, to: EXPIRED, by: "outcome" },
  { from: ACCEPTED, to: CANCELED, by: "cancel" },
  { from: QUEUED, to: CANCELED, by: "cancel" },
  { from: ACCEPTED, to: EXPIRED, by: "expire" },
  { from: QUEUED, to: EXPIRED, by: "expire" },
  { from: UNKNOWN, to: ACCEPTED, by: "reconcile" },
  { from: UNKNOWN, to: EXPIRED, by: "reconcile" },
];

const saidByTwilio = statusTable.filter(({ twilioWords }) => twilioWords.length > 0).map(({ status }) => status);

/** Twilio's list may have an unknown message in any state. Canceled is also that of an absent one whose batch is. */
const listEdges: readonly StatusEdge[] = saidByTwilio.map((to) => ({ from: UNKNOWN, to, by: "reconcile" }));

/** Where these are the hub's own word, without a SID, they yield to whatever Twilio says of the message. */
const withoutSid: readonly MessageStatus[] = [CANCELED, FAILED, EXPIRED];

/** A SID proves that Twilio has the message also when the answer comes after the claim is over. */
const lateAnswerEdges: readonly StatusEdge[] = [ACCEPTED, QUEUED, ...withoutSid].map((from) => ({
  from,
  to: SUBMITTED,
  by: "outcome",
}));

/** Twilio's word counts wherever the message stands, as far as it leads on. */
const callbackEdges: readonly StatusEdge[] = statusTable.flatMap(({ status: from }) =>
  saidByTwilio
    .filter((to) => risesTo(from, to) || (withoutSid.includes(from) && from !== to))
    .map((to) => ({ from, to, by: "callback" as const })),
);

/**
 * Every way a message can go from one status to another; there is no other. The statements of the store are tested
 * against it, and so is the picture in docs/message-status.md.
 */
export const statusEdges: readonly StatusEdge[] = [...ownEdges, ...listEdges, ...lateAnswerEdges, ...callbackEdges];
