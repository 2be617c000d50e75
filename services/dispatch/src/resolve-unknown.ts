import { HubError, notFound } from "@wahub/domain";
import type { CallContext } from "@wahub/platform";
import { BatchState, UnknownResolution, type ResolveUnknownRequest } from "@wahub/proto";
import {
  cancelable,
  readBatch,
  resolveUnknown,
  withStoreErrors,
  withTransaction,
  type Caller,
  type Store,
  type StoredBatch,
} from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/** Messages decided per transaction. */
const messagesPerTransaction = 5_000;

/** ResolveUnknown: a caller decides what is to become of messages of which nobody can say whether Twilio took them. */
export function createResolveUnknown(deps: { store: Store; events: DispatchEvents; now: () => Date }) {
  const { store, events, now } = deps;
  return async (request: ResolveUnknownRequest, { caller, signal, log }: CallContext<Caller>) => {
    const batchId = request.batchId.toLowerCase();
    const again = request.resolution === UnknownResolution.SEND_AGAIN;
    const messageIds = request.messageIds.length > 0 ? request.messageIds.map((id) => id.toLowerCase()) : undefined;
    return withStoreErrors(async () => {
      const batch = await readBatch(cancelable(store.pool, signal), caller.tenantId, batchId);
      if (!batch) throw notFound(`batch ${batchId}`);
      // Over after this look it counts as submitted: the statement reads the batch again.
      if (again && isOver(batch, now())) throw nothingLeaves(batchId);
      const decision = { batchId, messageIds, exit: again ? "again" : "assume" } as const;
      let resolvedCount = 0;
      for (let decided = messagesPerTransaction; decided === messagesPerTransaction; resolvedCount += decided) {
        const options = { now: now(), limit: messagesPerTransaction };
        decided = await withTransaction(
          store.pool,
          (client) => resolveUnknown(client, caller.tenantId, decision, options),
          { signal },
        );
      }
      const resolution = again ? "send_again" : "assume_sent";
      if (resolvedCount > 0) events.unknownDecided(log, { batchId, resolution, count: resolvedCount });
      return { resolvedCount };
    });
  };
}

function isOver({ state, expiresAt }: StoredBatch, now: Date): boolean {
  return state === BatchState.CANCELED || (expiresAt !== undefined && expiresAt <= now);
}

function nothingLeaves(batchId: string): HubError {
  return new HubError("not_now", `batch ${batchId} is canceled or its time is over: nothing of it is sent again`);
}
