import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import { Tenant } from "./tenant.ts";

/** A key that callers authenticate with. Only its SHA-256 is stored. */
export const ApiKey = defineEntity({
  name: "ApiKey",
  tableName: "api_key",
  comment: "Keys that callers authenticate with; only their SHA-256 is stored",
  properties: {
    id: p.uuid().primary(),
    tenantId: () => p.manyToOne(Tenant).mapToPk().fieldName("tenant_id").foreignKeyName("api_key_tenant_id_fkey"),
    name: p.text(),
    keyHash: p.blob().$type<Buffer>().unique("api_key_key_hash_key").hidden(),
    createdAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
});

export type ApiKey = InferEntity<typeof ApiKey>;
