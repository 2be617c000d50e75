import type { Pool } from "pg";
import { sendingState } from "./entities/index.ts";
import type { ProbeWaits, ScopeId } from "./sending-scope.ts";

/**
 * Pauses an account or sender again whose one message has tried in vain. Nothing happens where that message is not the
 * one that tries (any more): what was on its way when the scope was paused does not count.
 *
 * @param probe.messageId the message that tried
 * @param probe.trouble what came of it, in place of what paused the scope; undefined keeps that
 * @param probe.lengthen whether the next wait is longer than the last: not where the try said nothing about the scope
 * @returns when the next message may try; undefined where nothing happened
 */
export async function failProbe(
  pool: Pool,
  { scope, tenantId, id }: ScopeId,
  probe: {
    readonly messageId: string;
    readonly trouble?: { readonly code: number; readonly reason: string };
    readonly lengthen: boolean;
    readonly now: Date;
    readonly waits: ProbeWaits;
  },
): Promise<Date | undefined> {
  const { rows } = await pool.query<{ probe_at: Date }>(
    `update ${scope}
     set state = ${sendingState.paused}, probe_message_id = null, probes = probes + $4,
         pause_code = coalesce($5, pause_code), pause_reason = coalesce($6, pause_reason),
         probe_at = $7::timestamptz + least($9, $8 * 2.0 ^ least(probes + $4, 30)) * interval '1 millisecond'
     where id = $1 and tenant_id = $2 and state = ${sendingState.probing} and probe_message_id = $3
     returning probe_at`,
    [
      id,
      tenantId,
      probe.messageId,
      probe.lengthen ? 1 : 0,
      probe.trouble?.code,
      probe.trouble?.reason,
      probe.now,
      probe.waits.firstMs,
      probe.waits.maxMs,
    ],
  );
  return rows[0]?.probe_at;
}
