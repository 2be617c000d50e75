import { invalid, notFound, textFault, violation } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import {
  listSenders,
  pauseByPerson,
  resumeSending,
  withStoreErrors,
  withTransaction,
  type Caller,
  type Queryable,
  type SendingScope,
  type Store,
} from "@wahub/store";
import type { DispatchEvents } from "./events.ts";
import { toSender } from "./to-sender.ts";

/** What showing, pausing and resuming senders and accounts need. */
export interface SenderControlDeps {
  readonly store: Store;
  readonly events: DispatchEvents;
  readonly now: () => Date;
  /** As the planner has it. */
  readonly paceRecoveryMs: number;
}

/** A sender or account as a request names it. */
export interface ControlTarget {
  readonly scope: SendingScope;
  readonly id: string;
}

/**
 * Pauses as a person wishes, until a person resumes: no message tries.
 *
 * @returns the sender, or the account's senders, as they are then
 * @throws HubError `invalid` for a reason that cannot be stored, `not_found`
 */
export async function pauseFor(
  deps: SenderControlDeps,
  target: ControlTarget,
  reason: string,
  context: CallContext<Caller>,
) {
  const faults = violation("reason", textFault(reason));
  if (faults.length > 0) throw invalid(faults);
  const pause = { reason: reason.trim() || "paused by a caller", now: deps.now() };
  return change(deps, target, "paused", context, (db, id) => pauseByPerson(db, id, pause));
}

/** Resumes at once. Returns and throws as `pauseFor` does. */
export async function resumeFor(deps: SenderControlDeps, target: ControlTarget, context: CallContext<Caller>) {
  return change(deps, target, "resumed", context, (db, id) => resumeSending(db, id, { now: deps.now() }));
}

async function change(
  { store, events, now, paceRecoveryMs }: SenderControlDeps,
  target: ControlTarget,
  act: "paused" | "resumed",
  { caller, signal, log }: CallContext<Caller>,
  work: (db: Queryable, id: ControlTarget & { readonly tenantId: string }) => Promise<boolean>,
) {
  const { scope } = target;
  const { tenantId } = caller;
  const id = target.id.toLowerCase();
  const senders = await withStoreErrors(() =>
    withTransaction(
      store.pool,
      async (client) => {
        if (!(await work(client, { scope, id, tenantId }))) throw notFound(`${scope} ${id}`);
        return listSenders(client, tenantId, scope === "sender" ? { senderId: id } : { accountId: id });
      },
      { signal },
    ),
  );
  events.sendingControlled(log, { scope, id, act });
  const facts = { now: now(), paceRecoveryMs };
  return senders.map((sender) => toSender(sender, facts));
}
