import { sendingState } from "./entities/index.ts";
import type { Queryable } from "./queryable.ts";
import type { ScopeId } from "./sending-scope.ts";

/**
 * Makes an account or sender active at once, at its full speed, whatever held it back. If that is not mended, the next
 * message finds it out again.
 *
 * @returns false where the tenant has none of that id
 */
export async function resumeSending(
  db: Queryable,
  { scope, tenantId, id }: ScopeId,
  options: { readonly now: Date },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update ${scope}
     set state = ${sendingState.active}, pause_code = 0, pause_reason = '', paused_at = null, probe_at = null,
         probes = 0, probe_message_id = null, hold_until = null, pace = 1, paced_at = null, resumed_at = $3
     where id = $1 and tenant_id = $2`,
    [id, tenantId, options.now],
  );
  return rowCount === 1;
}
