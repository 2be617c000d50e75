import { randomBytes } from "node:crypto";
import { newBatchId as newId, notFound } from "@wahub/domain";
import type { EntityManager } from "@mikro-orm/postgresql";
import { Tenant } from "./entities/index.ts";
import type { Queryable } from "./queryable.ts";

/** The tenant that the environment's key and sender belong to. */
export const defaultTenantName = "default";

const hashKeyBytes = 32;

/** The id of the default tenant, which is created where it is missing. Safe from many processes at once. */
export async function ensureDefaultTenant(em: EntityManager, now: Date): Promise<string> {
  await em
    .createQueryBuilder(Tenant)
    .insert({
      id: newId(now),
      name: defaultTenantName,
      recipientHashKey: randomBytes(hashKeyBytes),
      createdAt: now,
    })
    .onConflict("name")
    .ignore()
    .execute();
  // Read afterwards by a statement of its own: one that lost the race does not see the winner's row in its own snapshot.
  const { id } = await em.findOneOrFail(Tenant, { name: defaultTenantName }, { fields: ["id"] });
  return id;
}

/**
 * The secret that hashes a tenant's recipients.
 *
 * @throws HubError not_found where there is no such tenant
 */
export async function tenantHashKey(pool: Queryable, tenantId: string): Promise<Buffer> {
  const { rows } = await pool.query<{ recipient_hash_key: Buffer }>(
    "select recipient_hash_key from tenant where id = $1",
    [tenantId],
  );
  const [row] = rows;
  if (!row) throw notFound("tenant");
  return row.recipient_hash_key;
}
