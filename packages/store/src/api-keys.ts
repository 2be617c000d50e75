import { createHash } from "node:crypto";
import { newBatchId as newId } from "@wahub/domain";
import { ApiKey } from "./entities/index.ts";
import type { Queryable } from "./queryable.ts";
import type { Store } from "./store.ts";
import { ensureDefaultTenant } from "./tenants.ts";

/** Whom a key stands for. */
export interface KeyOwner {
  readonly tenantId: string;
  readonly keyId: string;
}

/** Every call begins with this look-up: when it takes longer, the caller is to hear soon that PostgreSQL hangs. */
const answerWithinMs = 5_000;

/**
 * The owner of a key, or undefined for a key that is unknown or revoked. The key is looked up by its SHA-256, so how
 * long the answer takes says nothing about the keys that exist.
 */
export async function findApiKey(pool: Queryable, key: string): Promise<KeyOwner | undefined> {
  const { rows } = await pool.query<{ id: string; tenant_id: string }>({
    name: "find_api_key",
    text: "select id, tenant_id from api_key where key_hash = $1 and revoked_at is null",
    values: [hashOf(key)],
    query_timeout: answerWithinMs,
  });
  const [row] = rows;
  return row && { tenantId: row.tenant_id, keyId: row.id };
}

/** True when somebody could get in. Without any key a service refuses to start. */
export async function hasAnyApiKey(pool: Queryable): Promise<boolean> {
  const { rows } = await pool.query<{ any: boolean }>(
    "select exists (select from api_key where revoked_at is null) as any",
  );
  return rows[0]!.any;
}

/**
 * Makes `key` a key of the default tenant. Harmless when it is one already, and safe when several services start at
 * once. A key that was revoked stays revoked.
 */
export async function ensureBootstrapKey(store: Store, key: string, now: Date): Promise<void> {
  const em = store.em();
  const tenantId = await ensureDefaultTenant(em, now);
  await em
    .createQueryBuilder(ApiKey)
    .insert({ id: newId(now), tenantId, name: "bootstrap", keyHash: hashOf(key), createdAt: now })
    .onConflict("keyHash")
    .ignore()
    .execute();
}

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
