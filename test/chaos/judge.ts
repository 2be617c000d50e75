// Who got what, recipient by recipient. Pure: what the callers ordered, what the database says and what the simulator has
// accepted go in, everything that must not be comes out.
import { EventSource, MessageStatus } from "@wahub/proto";
import { statusWord } from "./words.ts";

/** A batch as its caller knows it. */
export interface OrderedBatch {
  readonly name: string;
  readonly batchId: string;
  readonly recipients: readonly string[];
  /** Whether two messages to one recipient are a fault: only `resend` may. */
  readonly atMostOnce: boolean;
}

/** A message as the database has it. */
export interface MessageRow {
  readonly id: string;
  readonly batchId: string;
  readonly recipient: string;
  readonly status: MessageStatus;
  readonly attempt: number;
  readonly sid: string | null;
  readonly evidence: EventSource;
  readonly errorCode: number;
}

/** A message as the simulator accepted it. */
export interface LedgerRow {
  readonly sid: string;
  /** E.164 */
  readonly to: string;
  /** Of the callback URL: our id of the message, and the attempt. */
  readonly messageId: string;
  readonly attempt: number;
  /** Statuses whose callback was answered with a 2xx. */
  readonly told: readonly MessageStatus[];
}

export type FindingKind =
  /** Twilio has no message for this recipient, and nothing in the hub says so. */
  | "lost"
  /** Twilio has more than one. */
  | "twice"
  /** The hub says that it was not sent, or sent as another message, and Twilio has it. */
  | "denied"
  /** A webhook said 2xx to a status that the message does not have. */
  | "forgotten"
  /** Nobody ordered this message. */
  | "stranger"
  /** The message is not at an end. */
  | "open";

export interface Finding {
  readonly kind: FindingKind;
  readonly batch: string;
  /** Undefined where there is no row at all. */
  readonly messageId: string | undefined;
  readonly recipient: string;
  readonly why: string;
}

export interface Evidence {
  readonly orders: readonly OrderedBatch[];
  readonly rows: readonly MessageRow[];
  readonly ledger: readonly LedgerRow[];
}

const { ACCEPTED, QUEUED, SENDING, UNKNOWN, SUBMITTED, CANCELED, FAILED, EXPIRED } = MessageStatus;

/** Where a message does not stay: something is still to be done about it. */
const OPEN: ReadonlySet<MessageStatus> = new Set([ACCEPTED, QUEUED, SENDING, UNKNOWN]);
/** What tells everybody that the message was not sent. */
const NOT_SENT: ReadonlySet<MessageStatus> = new Set([CANCELED, FAILED, EXPIRED]);

/** Everything that must not be, in the order of the orders. */
export function judge({ orders, rows, ledger }: Evidence): readonly Finding[] {
  const rowsByBatch = Map.groupBy(rows, ({ batchId }) => batchId);
  const ledgerByMessage = Map.groupBy(ledger, ({ messageId }) => messageId);
  const known = new Set(rows.map(({ id }) => id));
  const findings = orders.flatMap((order) => {
    const rowsByRecipient = new Map((rowsByBatch.get(order.batchId) ?? []).map((row) => [row.recipient, row]));
    const ordered = new Set(order.recipients);
    return [
      ...order.recipients.flatMap((recipient) =>
        judgeRecipient(order, recipient, rowsByRecipient.get(recipient), ledgerByMessage),
      ),
      ...[...rowsByRecipient.values()]
        .filter(({ recipient }) => !ordered.has(recipient))
        .map((row) => finding("stranger", order.name, row, "nobody ordered it")),
    ];
  });
  const batches = new Set(orders.map(({ batchId }) => batchId));
  return [
    ...findings,
    ...rows
      .filter(({ batchId }) => !batches.has(batchId))
      .map((row) => finding("stranger", row.batchId, row, "no caller knows its batch")),
    ...ledger
      .filter(({ messageId }) => !known.has(messageId))
      .map(({ messageId, to, sid }) => ({
        kind: "stranger" as const,
        batch: "?",
        messageId,
        recipient: to,
        why: `Twilio has ${sid} for a message that the database does not have`,
      })),
  ];
}

function judgeRecipient(
  order: OrderedBatch,
  recipient: string,
  row: MessageRow | undefined,
  ledgerByMessage: ReadonlyMap<string, readonly LedgerRow[]>,
): readonly Finding[] {
  if (row === undefined) {
    return [{ kind: "lost", batch: order.name, messageId: undefined, recipient, why: "it was ordered and has no row" }];
  }
  const sent = ledgerByMessage.get(row.id) ?? [];
  const say = (kind: FindingKind, why: string): readonly Finding[] => [finding(kind, order.name, row, why)];
  const word = statusWord(row.status);
  return [
    ...(OPEN.has(row.status) ? say("open", `it is ${word}`) : []),
    ...(sent.length > 1 && order.atMostOnce ? say("twice", `Twilio has ${sent.map(({ sid }) => sid).join(", ")}`) : []),
    ...(sent.length === 0 && !isResolved(row) ? say("lost", `Twilio has nothing, and it is ${word}`) : []),
    ...(sent.length > 0 && deniesAll(row, sent)
      ? say(
          "denied",
          `it is ${word} with ${row.sid ?? "no SID"}, and Twilio has ${sent.map(({ sid }) => sid).join(", ")}`,
        )
      : []),
    ...forgotten(row, sent).map((status) =>
      finding("forgotten", order.name, row, `a webhook took ${statusWord(status)}, and it is ${word}`),
    ),
  ];
}

/** Whether anybody can see what became of a message that Twilio does not have. */
function isResolved(row: MessageRow): boolean {
  return NOT_SENT.has(row.status) || (row.status >= SUBMITTED && row.evidence === EventSource.ASSUMED);
}

/** Twilio's own `failed` has a SID; without one these say that nothing was sent. */
function deniesAll(row: MessageRow, sent: readonly LedgerRow[]): boolean {
  if (row.sid !== null) return !sent.some(({ sid }) => sid === row.sid);
  return NOT_SENT.has(row.status);
}

/** Statuses that were told of the message as it stands and that rank higher than what it is. */
function forgotten(row: MessageRow, sent: readonly LedgerRow[]): readonly MessageStatus[] {
  const current = sent.find(({ sid, attempt }) => sid === row.sid || (row.sid === null && attempt === row.attempt));
  if (current === undefined) return [];
  if (row.status === EXPIRED) return current.told.slice(0, 1);
  return current.told.filter((status) => status > row.status).slice(0, 1);
}

function finding(kind: FindingKind, batch: string, row: MessageRow, why: string): Finding {
  return { kind, batch, messageId: row.id, recipient: row.recipient, why };
}
