import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import { Account, sendingControl, sendingState } from "./account.ts";
import { Tenant } from "./tenant.ts";

/** A WhatsApp number that messages go out from. */
export const Sender = defineEntity({
  name: "Sender",
  tableName: "sender",
  comment: "WhatsApp numbers that messages go out from, with their speed",
  properties: {
    id: p.uuid().primary(),
    tenantId: () => p.manyToOne(Tenant).mapToPk().fieldName("tenant_id").foreignKeyName("sender_tenant_id_fkey"),
    accountId: () => p.manyToOne(Account).mapToPk().fieldName("account_id").foreignKeyName("sender_account_id_fkey"),
    /** E.164. */
    phone: p.text(),
    messagesPerSecond: p.integer().default(80),
    state: p.smallint().default(sendingState.active),
    /** Where the planner is: batches that were idle begin here. */
    virtualTime: p.double().default(0),
    createdAt: p.datetime(),
    ...sendingControl,
    declaredAt: p.datetime().nullable(),
  },
  uniques: [{ name: "sender_account_id_phone_key", properties: ["accountId", "phone"] }],
});

export type Sender = InferEntity<typeof Sender>;
