import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { SendingState, type SenderSchema, type SendingSchema } from "@wahub/proto";
import { effectivePace, speedAt, type StoredSender, type StoredSending } from "@wahub/store";

/** A stored sender as the API shows it, with what it may send now. */
export function toSender(
  sender: StoredSender,
  facts: { readonly now: Date; readonly paceRecoveryMs: number },
): MessageInitShape<typeof SenderSchema> {
  const { account } = sender;
  const pace = paceOf(sender, facts) * paceOf(account, facts);
  const maySend = [sender, account].every(
    ({ state, holdUntil }) => state === SendingState.ACTIVE && (holdUntil === undefined || holdUntil <= facts.now),
  );
  return {
    id: sender.id,
    phone: sender.phone,
    account: { id: account.id, sid: account.sid, sending: toSending(account, facts) },
    messagesPerSecond: sender.messagesPerSecond,
    effectiveMessagesPerSecond: maySend ? speedAt(sender.messagesPerSecond, pace) : 0,
    sending: toSending(sender, facts),
  };
}

function toSending(
  stored: StoredSending,
  facts: { readonly now: Date; readonly paceRecoveryMs: number },
): MessageInitShape<typeof SendingSchema> {
  const rests = stored.holdUntil !== undefined && stored.holdUntil > facts.now;
  return {
    state: stored.state,
    pauseCode: stored.pauseCode,
    pauseReason: stored.pauseReason,
    pausedAt: stored.pausedAt && timestampFromDate(stored.pausedAt),
    probeAt: stored.probeAt && stored.state === SendingState.PAUSED ? timestampFromDate(stored.probeAt) : undefined,
    probes: stored.probes,
    holdUntil: rests ? timestampFromDate(stored.holdUntil) : undefined,
    pace: paceOf(stored, facts),
  };
}

function paceOf(stored: StoredSending, facts: { readonly now: Date; readonly paceRecoveryMs: number }): number {
  return effectivePace(stored, facts.now, facts.paceRecoveryMs);
}
