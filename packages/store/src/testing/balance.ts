import type { Store } from "../store.ts";

/** A batch's messages by status and error code, said twice: as its counts say, and as the rows say. */
export interface Balance {
  readonly total: number;
  readonly counted: Readonly<Record<string, number>>;
  readonly stored: Readonly<Record<string, number>>;
}

/** Both sides of the sum. They agree, and add up to the total, whenever no transaction is under way. */
export async function readBalance(store: Store, batchId: string): Promise<Balance> {
  const { rows: counted } = await store.pool.query<Group>(
    `select status, error_code, sum(n)::int as n
     from (select status, error_code, n from batch_count where batch_id = $1
           union all
           select status, error_code, n from batch_count_delta where batch_id = $1) as parts
     group by status, error_code having sum(n) <> 0 order by status, error_code`,
    [batchId],
  );
  const { rows: stored } = await store.pool.query<Group>(
    `select status, counted_error(status, error_code) as error_code, count(*)::int as n
     from message where batch_id = $1 group by 1, 2 order by 1, 2`,
    [batchId],
  );
  const { rows } = await store.pool.query<{ total: number }>("select total from batch where id = $1", [batchId]);
  return { total: rows[0]!.total, counted: byGroup(counted), stored: byGroup(stored) };
}

interface Group {
  status: number;
  error_code: number;
  n: number;
}

function byGroup(groups: readonly Group[]): Record<string, number> {
  return Object.fromEntries(
    groups.map((g) => [g.error_code === 0 ? `${g.status}` : `${g.status}/${g.error_code}`, g.n]),
  );
}
