import { createFairGate } from "@wahub/platform";
import { withTransaction, type Store, type StoreClient } from "@wahub/store";

/** Connections on which batches are stored, shared fairly: one tenant leaves some to the others. */
export interface IntakeConnections {
  /**
   * As `withTransaction`, when it is the tenant's turn.
   *
   * @throws HubError `limited` or `unavailable` when too many wait already; as `withTransaction`
   */
  transact<T>(
    tenantId: string,
    work: (client: StoreClient) => Promise<T>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<T>;
}

/** What a tenant leaves to the others. */
const shareOfOthers = 0.25;

/** Calls that wait for a connection, each with its recipients in memory; great ones are few (see `createRequestRoom`). */
const waitingPerTenant = 200;
const waiting = 1_000;

/**
 * @param store whose pool nothing else takes from
 * @param connections as many as that pool has
 */
export function createIntakeConnections(store: Store, connections: number): IntakeConnections {
  const gate = createFairGate({
    capacity: connections,
    capacityPerKey: Math.max(1, Math.floor(connections * (1 - shareOfOthers))),
    waitingPerKey: waitingPerTenant,
    waiting,
    busyWith: "batches are being stored",
  });
  return {
    async transact(tenantId, work, options = {}) {
      const leave = await gate.enter(tenantId, 1, options.signal);
      try {
        return await withTransaction(store.pool, work, options);
      } finally {
        leave();
      }
    },
  };
}
