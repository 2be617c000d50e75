import { messageIdRange } from "@wahub/domain";
import { MessageStatus } from "@wahub/proto";
import type { PoolClient } from "pg";
import { leaveUnknown, type UnknownExit } from "./leave-unknown.ts";

/** Which held messages of a batch are decided, and how. */
export interface UnknownDecision {
  readonly batchId: string;
  /** Undefined for all. */
  readonly messageIds: readonly string[] | undefined;
  readonly exit: Exclude<UnknownExit, "absent">;
}

/**
 * Decides for messages that are held: unknown, with nothing left to ask. Others are left alone.
 *
 * @param limit most messages per call
 * @returns how many were decided
 */
export async function resolveUnknown(
  client: PoolClient,
  tenantId: string,
  decision: UnknownDecision,
  options: { now: Date; limit: number },
): Promise<number> {
  const { first, last } = messageIdRange(decision.batchId);
  const { rows } = await client.query<{ n: number }>(
    `with unknown as materialized (
         select id, tenant_id, batch_id, attempt, error_code, account_id, sender_id, recipient_key, claimed_at, lease_until,
                $3::text as wish
         from message
         where tenant_id = $1 and batch_id = $2 and id between $4 and $5 and ($6::uuid[] is null or id = any($6))
           and status = ${MessageStatus.UNKNOWN} and twilio_sid is null and reconcile_at is null
         order by id limit $7
         for no key update
       ), ${leaveUnknown("unknown", "$8::timestamptz")}
       select count(*)::int as n from leaving`,
    [tenantId, decision.batchId, decision.exit, first, last, decision.messageIds ?? null, options.limit, options.now],
  );
  return rows[0]!.n;
}
