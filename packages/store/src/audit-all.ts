import { auditBatches, type AuditFault } from "./audit-batches.ts";
import type { Queryable } from "./queryable.ts";

/** What an audit of everything has read and found. */
export interface AuditReport {
  readonly batches: number;
  readonly messages: number;
  readonly faults: readonly AuditFault[];
}

/** Batches per statement at most, and messages after which it is enough for one. */
const maxBatches = 500;
const enoughMessages = 100_000;

/** Audits every batch of every tenant, some at a time, in the order of their ids. Reads every message once. */
export async function auditAll(db: Queryable, options: { settleAfterMs: number }): Promise<AuditReport> {
  const faults: AuditFault[] = [];
  let [batches, messages, after] = [0, 0, "00000000-0000-0000-0000-000000000000"];
  for (;;) {
    const { rows } = await db.query<{ id: string; total: number }>(
      `select id, total
       from (select id, total, coalesce(sum(total) over (order by id rows between unbounded preceding and 1 preceding), 0) as before
             from (select id, total from batch where id > $1 order by id limit $2) page) page
       where before < $3 order by id`,
      [after, maxBatches, enoughMessages],
    );
    if (rows.length === 0) return { batches, messages, faults };
    const ids = rows.map((row) => row.id);
    faults.push(...(await auditBatches(db, ids, options)));
    batches += rows.length;
    messages += rows.reduce((sum, row) => sum + row.total, 0);
    after = ids.at(-1)!;
  }
}
