import { randomUUID } from "node:crypto";
import { MessageStatus } from "@wahub/proto";
import { claimMessages, type Claim } from "../claim-messages.ts";
import { planSender } from "../plan-messages.ts";
import { recordOutcomes } from "../record-outcomes.ts";
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

/**
 * As `claimAll`, and then no request has a clear answer.
 *
 * @param leaseMs negative where the leases are to be over already
 */
export async function loseAll(store: Store, batch: SampleBatch, now: Date, leaseMs: number): Promise<Claim[]> {
  const claims = await claimAll(store, batch, now, leaseMs);
  const result = { status: MessageStatus.UNKNOWN, errorMessage: "timeout" } as const;
  await recordOutcomes(
    store.pool,
    claims.map((claim) => ({ ...claim, result })),
    now,
  );
  return claims;
}
