import { createHash, randomBytes } from "node:crypto";
import { newBatchId } from "@wahub/domain";
import type { Store } from "@wahub/store";

/** A tenant of its own with this key, and nothing else. */
export async function addTenant(store: Store, apiKey: string): Promise<void> {
  const now = new Date();
  const tenantId = newBatchId(now);
  await store.pool.query("insert into tenant (id, name, recipient_hash_key, created_at) values ($1, $2, $3, $4)", [
    tenantId,
    `tenant ${tenantId}`,
    randomBytes(32),
    now,
  ]);
  await store.pool.query(
    "insert into api_key (id, tenant_id, name, key_hash, created_at) values ($1, $2, 'test', $3, $4)",
    [newBatchId(now), tenantId, createHash("sha256").update(apiKey).digest(), now],
  );
}
