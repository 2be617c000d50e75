import type { Pool } from "pg";
import { sendingState } from "./entities/index.ts";
import type { ScopeId } from "./sending-scope.ts";

/**
 * Resumes an account or sender whose one message has got through. Nothing happens where that message is not the one
 * that tries (any more), for example because a person has paused the scope meanwhile.
 *
 * @returns whether it was resumed
 */
export async function passProbe(
  pool: Pool,
  { scope, tenantId, id }: ScopeId,
  probe: { readonly messageId: string; readonly now: Date },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update ${scope}
     set state = ${sendingState.active}, pause_code = 0, pause_reason = '', paused_at = null, probe_at = null,
         probes = 0, probe_message_id = null, resumed_at = $4
     where id = $1 and tenant_id = $2 and state = ${sendingState.probing} and probe_message_id = $3`,
    [id, tenantId, probe.messageId, probe.now],
  );
  return rowCount === 1;
}
