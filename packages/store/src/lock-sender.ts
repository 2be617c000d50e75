import type { PoolClient } from "pg";
import { sendingState } from "./entities/index.ts";
import { defaultPaceRecoveryMs, effectivePace, speedAt } from "./pace.ts";
import { sendingColumns, toSending, type SendingRow, type StoredSending } from "./stored-sending.ts";

/**
 * What an account or sender lets through now.
 *
 * - `all`: it is active
 * - `one`: only the message that tries
 * - `try`: it is time for a message to try, for the first time or because the last one seems lost
 * - `none`: it is paused, or rests
 */
export type Leave = "all" | "one" | "try" | "none";

/** A sender and its account as they stand, the sender's row locked. */
export interface LockedSender {
  readonly id: string;
  readonly accountId: string;
  /** What both may send now: the sender's speed, slowed down as far as either is. */
  readonly messagesPerSecond: number;
  readonly virtualTime: number;
  readonly sender: StoredSending;
  readonly account: StoredSending;
  /** What both let through: the narrower of the two. */
  readonly leave: Leave;
}

/**
 * The sender under a row lock; undefined where another replica has it. The account is read and not locked: what it says
 * may be over in a moment, and the gate of the claim has the last word.
 */
export async function lockSender(
  client: PoolClient,
  senderId: string,
  { now, paceRecoveryMs = defaultPaceRecoveryMs }: { readonly now: Date; readonly paceRecoveryMs?: number },
): Promise<LockedSender | undefined> {
  const { rows } = await client.query<SenderRow>(
    `select s.account_id, s.messages_per_second, s.virtual_time, ${sendingColumns("s")}, ${sendingColumns("a")}
     from sender s join account a on a.id = s.account_id
     where s.id = $1
     for no key update of s skip locked`,
    [senderId],
  );
  const [row] = rows;
  if (!row) return undefined;
  const sender = toSending(row, "s");
  const account = toSending(row, "a");
  const pace = effectivePace(sender, now, paceRecoveryMs) * effectivePace(account, now, paceRecoveryMs);
  return {
    id: senderId,
    accountId: row.account_id,
    messagesPerSecond: speedAt(row.messages_per_second, pace),
    virtualTime: row.virtual_time,
    sender,
    account,
    leave: narrower(leaveOf(sender, now), leaveOf(account, now)),
  };
}

/** What one of the two lets through by itself. */
export function leaveOf(sending: StoredSending, now: Date): Leave {
  if (sending.holdUntil !== undefined && sending.holdUntil > now) return "none";
  if (sending.state === sendingState.active) return "all";
  if (sending.probeAt !== undefined && sending.probeAt <= now) return "try";
  return sending.state === sendingState.probing ? "one" : "none";
}

const fromWide: readonly Leave[] = ["all", "try", "one", "none"];

function narrower(a: Leave, b: Leave): Leave {
  return fromWide[Math.max(fromWide.indexOf(a), fromWide.indexOf(b))]!;
}

interface SenderRow extends SendingRow<"s">, SendingRow<"a"> {
  account_id: string;
  messages_per_second: number;
  virtual_time: number;
}
