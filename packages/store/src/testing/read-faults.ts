import { auditAll } from "../audit-all.ts";
import type { Store } from "../store.ts";

/**
 * What the audit finds in the whole database, a line per fault; `expect(await readFaults(store)).toEqual([])` at the end of
 * a test that moves messages. True at any moment, also while services are at work.
 */
export async function readFaults(store: Store, options: { settleAfterMs?: number } = {}): Promise<string[]> {
  const { faults } = await auditAll(store.pool, { settleAfterMs: options.settleAfterMs ?? 86_400_000 });
  return faults.map((fault) => `${fault.kind}: ${fault.count} of batch ${fault.batchId}`);
}
