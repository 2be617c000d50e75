import type { Pool } from "pg";
import { sendingState } from "./entities/index.ts";
import type { ProbeWaits, ScopeId } from "./sending-scope.ts";

/**
 * Pauses an account or sender that is active: from the next claim on nothing of it is sent, until one message may try.
 * However many messages report the same trouble, the first report counts; a scope that is paused already, by whatever
 * or whomever, stays as it is.
 *
 * @param pause.code Twilio's code; 0 where there is none
 * @param pause.reason for people; quotes no number and no content
 * @returns whether this call paused it
 */
export async function pauseSending(
  pool: Pool,
  { scope, tenantId, id }: ScopeId,
  pause: { readonly code: number; readonly reason: string; readonly now: Date; readonly waits: ProbeWaits },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update ${scope}
     set state = ${sendingState.paused}, pause_code = $3, pause_reason = $4, paused_at = $5, probe_at = $6, probes = 0,
         probe_message_id = null
     where id = $1 and tenant_id = $2 and state = ${sendingState.active}`,
    [id, tenantId, pause.code, pause.reason, pause.now, new Date(pause.now.getTime() + pause.waits.firstMs)],
  );
  return rowCount === 1;
}
