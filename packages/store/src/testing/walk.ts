import { randomUUID } from "node:crypto";
import { claimMessages, type Claim } from "../claim-messages.ts";
import { planSender } from "../plan-messages.ts";
import type { Store } from "../store.ts";
import type { SampleBatch } from "./sample-batch.ts";

/** Plans all due messages of the batch's sender and claims each of them, as the services do. */
export async function claimAll(store: Store, batch: SampleBatch, now: Date, leaseMs = 60_000): Promise<Claim[]> {
  const planned = await planSender(store.pool, batch.senderId, { now, horizonMs: 1_000_000 });
  const claims = await claimMessages(
    store.pool,
    planned.map(({ tenantId, messageId, attempt }) => ({ tenantId, messageId, attempt, token: randomUUID() })),
    { now, leaseMs },
  );
  return claims.filter((claim) => claim !== undefined);
}
