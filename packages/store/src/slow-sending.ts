import type { Pool } from "pg";
import { minPace } from "./pace.ts";
import type { ScopeId } from "./sending-scope.ts";

/** How slow a scope has become, and until when it rests. */
export interface Slowed {
  readonly pace: number;
  readonly holdUntil: Date;
}

/** Reports within this time are about the same burst and halve once. */
const halveEveryMs = 1_000;

/**
 * Halves the speed of an account or sender that was told to be too fast, and lets it rest: as long as it was told, else
 * longer the slower it has become already. The speed comes back by itself. A burst of reports counts once; only a
 * longer rest still counts then.
 *
 * @param slow.retryAfterMs what Twilio asked for, if it did
 * @param slow.restMs the rest at full speed; at half speed it is twice as long
 * @param slow.recoveryMs how long a speed takes to come back, as the planner has it
 * @returns undefined where nothing changed
 */
export async function slowSending(
  pool: Pool,
  { scope, tenantId, id }: ScopeId,
  slow: { readonly now: Date; readonly retryAfterMs?: number; readonly restMs: number; readonly recoveryMs: number },
): Promise<Slowed | undefined> {
  const { rows } = await pool.query<{ pace: number; hold_until: Date }>(
    `update ${scope}
     set pace = case when ${burstIsOver} then ${halved} else pace end,
         paced_at = case when ${burstIsOver} then $3 else paced_at end,
         hold_until = greatest(hold_until,
           case when $4::float8 is not null then ${retryAt}
                when ${burstIsOver} then $3::timestamptz + $5 / ${halved} * interval '1 millisecond' end)
     where id = $1 and tenant_id = $2
       and (${burstIsOver} or hold_until is null or hold_until < ${retryAt} - ${halveEveryMs} * interval '1 millisecond')
     returning pace, hold_until`,
    [id, tenantId, slow.now, slow.retryAfterMs, slow.restMs, slow.recoveryMs],
  );
  const [row] = rows;
  return row && { pace: row.pace, holdUntil: row.hold_until };
}

const burstIsOver = `(paced_at is null or paced_at <= $3::timestamptz - ${halveEveryMs} * interval '1 millisecond')`;

const retryAt = `($3::timestamptz + $4::float8 * interval '1 millisecond')`;

/** As in pace.ts: what is left of the speed now, and half of that. */
const halved = `greatest(${minPace},
  least(1, pace + greatest(0, extract(epoch from $3::timestamptz - coalesce(paced_at, $3)) * 1000)::float8 / $6) / 2)`;
