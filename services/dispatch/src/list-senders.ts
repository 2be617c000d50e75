import type { CallContext } from "@wahub/platform";
import type { ListSendersRequest } from "@wahub/proto";
import { cancelable, listSenders, withStoreErrors, type Caller } from "@wahub/store";
import { toSender } from "./to-sender.ts";
import type { SenderControlDeps } from "./sender-control.ts";

/** ListSenders: what the tenant sends with, and what holds it back. */
export function createListSenders({ store, now, paceRecoveryMs }: SenderControlDeps) {
  return async (_request: ListSendersRequest, { caller, signal }: CallContext<Caller>) => {
    const senders = await withStoreErrors(() => listSenders(cancelable(store.pool, signal), caller.tenantId));
    const facts = { now: now(), paceRecoveryMs };
    return { senders: senders.map((sender) => toSender(sender, facts)) };
  };
}
