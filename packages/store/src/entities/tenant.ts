import { defineEntity, p, type InferEntity } from "@mikro-orm/core";

/** A customer of the hub. Everything else belongs to one. */
export const Tenant = defineEntity({
  name: "Tenant",
  tableName: "tenant",
  comment: "A customer of the hub; every other row belongs to one",
  properties: {
    id: p.uuid().primary(),
    name: p.text().unique("tenant_name_key"),
    /** Secret of the recipient hashes: 32 random bytes. Changing it orphans every stored hash. */
    recipientHashKey: p.blob().$type<Buffer>().hidden(),
    createdAt: p.datetime(),
  },
});

export type Tenant = InferEntity<typeof Tenant>;
