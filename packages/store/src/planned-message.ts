import type { LockedSender } from "./lock-sender.ts";

/** A message whose turn it is: what a job needs to know of it. */
export interface PlannedMessage {
  readonly tenantId: string;
  readonly messageId: string;
  /** The attempt that may be made now. */
  readonly attempt: number;
  readonly senderId: string;
  /** How fast the sender may go now. */
  readonly messagesPerSecond: number;
  readonly recipientHash: Buffer;
}

/** What statements that hand out messages return of each. */
export const plannedColumns = "m.tenant_id, m.id, m.attempt, m.recipient_hash";

export interface PlannedRow {
  tenant_id: string;
  id: string;
  /** The last attempt that was made. */
  attempt: number;
  recipient_hash: Buffer;
}

export function toPlanned(row: PlannedRow, sender: LockedSender): PlannedMessage {
  return {
    tenantId: row.tenant_id,
    messageId: row.id,
    attempt: row.attempt + 1,
    senderId: sender.id,
    messagesPerSecond: sender.messagesPerSecond,
    recipientHash: row.recipient_hash,
  };
}
