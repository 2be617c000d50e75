import { HubError, notFound } from "@wahub/domain";
import { BatchState } from "@wahub/proto";
import type { BatchChange, Store, StoredBatch } from "@wahub/store";
import type { DispatchEvents } from "./events.ts";

/** What pausing, resuming and canceling need. */
export interface BatchControlDeps {
  readonly store: Store;
  readonly events: DispatchEvents;
  readonly now: () => Date;
}

/**
 * The batch, if it stands where the caller wants it: it has been brought there, or stood there already, which makes a
 * repeated call harmless.
 *
 * @throws HubError `not_found`, or `not_now` with what to do instead
 */
export function standing(batchId: string, change: BatchChange | undefined, wanted: BatchState): StoredBatch {
  if (!change) throw notFound(`batch ${batchId}`);
  if (change.batch.state !== wanted) throw new HubError("not_now", `batch ${batchId} ${notNow(change.batch.state)}`);
  return change.batch;
}

const reasons: Partial<Record<BatchState, string>> = {
  [BatchState.ACCEPTING]:
    "is still being stored and nothing of it is sent: end its stream first; one that nobody ends is discarded",
  [BatchState.DISCARDING]: "was refused or never finished; nothing of it is sent",
  [BatchState.COMPLETED]: "is completed: none of its messages waits any more",
  [BatchState.CANCELED]: "was canceled, which is final: send what is still wanted as a new batch",
};

function notNow(state: BatchState): string {
  return reasons[state] ?? "cannot be changed now; read it and call again";
}
