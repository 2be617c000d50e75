import { MessageStatus } from "@wahub/proto";
import { risesTo, statusTable } from "./message-status.ts";

/**
 * What moves a message from one status to another.
 *
 * - `plan`: its turn has come
 * - `defer`: it has to wait for a limit longer than a sender holds it
 * - `claim`: a sender takes it in hand
 * - `outcome`: that sender says what came of the request, also when its lease has run out meanwhile
 * - `lease`: that sender has said nothing for too long
 * - `callback`: Twilio says where the message is
 */
export type Mover = "plan" | "defer" | "claim" | "outcome" | "lease" | "callback";

/** One way from a status to another. */
export interface StatusEdge {
  readonly from: MessageStatus;
  readonly to: MessageStatus;
  readonly by: Mover;
}

const { ACCEPTED, QUEUED, SENDING, UNKNOWN, SUBMITTED, FAILED } = MessageStatus;

/** The hub's own steps. The two that lead back to accepted are the only ones against the rank. */
const ownEdges: readonly StatusEdge[] = [
  { from: ACCEPTED, to: QUEUED, by: "plan" },
  { from: QUEUED, to: ACCEPTED, by: "defer" },
  { from: QUEUED, to: SENDING, by: "claim" },
  { from: SENDING, to: SUBMITTED, by: "outcome" },
  { from: SENDING, to: ACCEPTED, by: "outcome" },
  { from: SENDING, to: FAILED, by: "outcome" },
  { from: SENDING, to: UNKNOWN, by: "outcome" },
  { from: SENDING, to: UNKNOWN, by: "lease" },
  { from: UNKNOWN, to: SUBMITTED, by: "outcome" },
  { from: UNKNOWN, to: ACCEPTED, by: "outcome" },
  { from: UNKNOWN, to: FAILED, by: "outcome" },
];

/** Twilio's word counts wherever the message stands, as far as it leads on. */
const callbackEdges: readonly StatusEdge[] = statusTable.flatMap(({ status: from }) =>
  statusTable
    .filter(({ status: to, twilioWords }) => twilioWords.length > 0 && risesTo(from, to))
    .map(({ status: to }) => ({ from, to, by: "callback" as const })),
);

/**
 * Every way a message can go from one status to another; there is no other. The statements of the store are tested
 * against it, and so is the picture in docs/message-status.md.
 */
export const statusEdges: readonly StatusEdge[] = [...ownEdges, ...callbackEdges];
