import { sendingState } from "./entities/index.ts";
import type { Queryable } from "./queryable.ts";
import type { ScopeId } from "./sending-scope.ts";

/**
 * Pauses an account or sender until a person resumes it: no message tries. Also takes over where it has paused by
 * itself. Asked twice it keeps the first time and takes the last reason.
 *
 * @returns false where the tenant has none of that id
 */
export async function pauseByPerson(
  db: Queryable,
  { scope, tenantId, id }: ScopeId,
  pause: { readonly reason: string; readonly now: Date },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update ${scope}
     set paused_at = case when state = ${sendingState.paused} and probe_at is null then paused_at else $4 end,
         state = ${sendingState.paused}, pause_code = 0, pause_reason = $3, probe_at = null, probes = 0,
         probe_message_id = null
     where id = $1 and tenant_id = $2`,
    [id, tenantId, pause.reason, pause.now],
  );
  return rowCount === 1;
}
