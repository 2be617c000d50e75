import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import { Tenant } from "./tenant.ts";

/** Whether an account or a sender may send. The numbers are stored; they never change. */
export const sendingState = { active: 1, paused: 2 } as const;

/** A Twilio account. */
export const Account = defineEntity({
  name: "Account",
  tableName: "account",
  comment: "Twilio accounts; the secret itself is never stored",
  properties: {
    id: p.uuid().primary(),
    tenantId: () => p.manyToOne(Tenant).mapToPk().fieldName("tenant_id").foreignKeyName("account_tenant_id_fkey"),
    sid: p.text().unique("account_sid_key"),
    /** Where the secret is: `env` means TWILIO_AUTH_TOKEN. */
    credentialsRef: p.text(),
    state: p.smallint().default(sendingState.active),
    createdAt: p.datetime(),
  },
});

export type Account = InferEntity<typeof Account>;
