import { writtenForms } from "@wahub/domain";
import { readOpenAttempts, recordVerdicts, takeUnresolved, type Store, type UnresolvedMessage } from "@wahub/store";
import type { MessageList, MessageListing } from "@wahub/twilio";
import type { AccountRests } from "./account-rests.ts";
import {
  decideByList,
  decideUnasked,
  decideWithoutList,
  type DecisionGroup,
  type ReconcileTimes,
} from "./decide-unknown.ts";
import type { WebhookIngestEvents } from "./events.ts";

export interface ReconcileDeps {
  readonly store: Store;
  readonly list: MessageList;
  /** Accounts whose list has failed just now. */
  readonly rests: AccountRests;
  /** Whether no outcome of ours is waiting anywhere to be recorded; false also where that cannot be known. */
  readonly mayDecideAbsence: () => Promise<boolean>;
  readonly events: WebhookIngestEvents;
  readonly now: () => Date;
  readonly times: ReconcileTimes;
  /** Lists asked for at once. */
  readonly concurrency: number;
  /** Longer than a look takes. Whoever dies meanwhile delays its messages by this; a look that takes longer is in vain. */
  readonly heldForMs: number;
}

/**
 * One round of finding out what became of messages without a clear answer: takes some that are due, asks for Twilio's list of
 * messages to each recipient, and decides. In this order: the list, then what is known here, then the decision, which is
 * recorded only where nothing has changed. So it may run in many replicas, and die anywhere.
 */
export function createReconcileRound(deps: ReconcileDeps) {
  return async (signal: AbortSignal): Promise<{ again: boolean }> => {
    // No more than are looked at at once: none waits for its look while it is held.
    const limit = deps.concurrency;
    const taken = await takeUnresolved(deps.store.pool, {
      now: deps.now(),
      settleMs: deps.times.afterMs,
      heldForMs: deps.heldForMs,
      limit,
    });
    const recipients = byRecipient(taken);
    const looks = recipients.length;
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (let next = recipients.shift(); next && !signal.aborted; next = recipients.shift()) {
        await look(deps, next).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: deps.concurrency }, work));
    // Only now, when nothing of this round goes on any more.
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} of ${looks} looks failed`);
    return { again: taken.length === limit };
  };
}

/** Messages to one recipient of one sender, at least one. */
type ToOneRecipient = readonly [UnresolvedMessage, ...UnresolvedMessage[]];

function byRecipient(taken: readonly UnresolvedMessage[]): ToOneRecipient[] {
  const groups = Map.groupBy(taken, ({ senderId, recipientKey }) => `${senderId} ${recipientKey}`);
  return [...groups.values()] as unknown as ToOneRecipient[];
}

async function look(deps: ReconcileDeps, messages: ToOneRecipient): Promise<void> {
  const [{ accountSid }] = messages;
  for (const group of await decide(deps, messages)) {
    const recorded = await recordVerdicts(deps.store.pool, group.decisions, { now: deps.now(), accountSid });
    deps.events.unknownLookedAt(group, recorded);
  }
}

async function decide(deps: ReconcileDeps, messages: ToOneRecipient): Promise<DecisionGroup[]> {
  const [{ accountSid, senderId, senderPhone, recipientKey }] = messages;
  const forms = writtenForms(recipientKey);
  const listing = await askForList(deps, { accountSid, from: senderPhone, to: forms });
  const sids = listing.kind === "listed" ? listing.messages.map(({ sid }) => sid) : [];
  const { attempts, bound } = await readOpenAttempts(deps.store.pool, { senderId, recipientKey }, sids);
  const taken = new Map(messages.map(({ messageId, takenUntil }) => [messageId, takenUntil]));
  const known = { attempts, taken, now: deps.now(), times: deps.times };
  if (listing.kind === "resting") return decideUnasked(known, listing.leftMs);
  if (listing.kind === "unavailable") return decideWithoutList(known, listing.waitMs);
  return decideByList(known, {
    messages: listing.messages.filter(({ sid }) => !bound.has(sid)),
    aliased: forms.length > 1,
    mayDecideAbsence: await deps.mayDecideAbsence(),
  });
}

type Asked =
  | Extract<MessageListing, { readonly kind: "listed" }>
  | { readonly kind: "unavailable"; readonly waitMs: number }
  /** Twilio was not asked. */
  | { readonly kind: "resting"; readonly leftMs: number };

async function askForList(deps: ReconcileDeps, request: Parameters<MessageList["list"]>[0]): Promise<Asked> {
  const leftMs = deps.rests.leftMs(request.accountSid);
  if (leftMs > 0) return { kind: "resting", leftMs };
  const listing = await deps.list.list(request);
  const restMs = deps.rests.note(request.accountSid, listing);
  deps.events.listAskedFor(listing);
  if (listing.kind === "listed") return listing;
  // Those that only rest come before it: in a long outage each is asked about in its turn.
  return { kind: "unavailable", waitMs: restMs + deps.times.settleMs };
}
