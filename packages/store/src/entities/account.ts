import { defineEntity, p, type InferEntity } from "@mikro-orm/core";
import { Tenant } from "./tenant.ts";

/** Whether an account or a sender may send. The numbers are stored and those of SendingState; they never change. */
export const sendingState = { active: 1, paused: 2, probing: 3 } as const;

/** What holds an account or a sender back; both have it. */
export const sendingControl = {
  /** Twilio's code that paused it; 0 for none. */
  pauseCode: p.integer().default(0),
  pauseReason: p.text().default(""),
  pausedAt: p.datetime().nullable(),
  /** Messages queued before are offered again: their claims may have been refused. */
  resumedAt: p.datetime().nullable(),
  /** When one message may try, or the next one where that one is lost; null where only a person resumes it. */
  probeAt: p.datetime().nullable(),
  /** Tries since the pause that did not help; the waits grow with them. */
  probes: p.integer().default(0),
  /** While probing: the one message that may go out. */
  probeMessageId: p.uuid().nullable(),
  /** Nothing is planned or claimed before. */
  holdUntil: p.datetime().nullable(),
  /** Share of the speed at `pacedAt`, since then recovering to 1. */
  pace: p.double().default(1),
  pacedAt: p.datetime().nullable(),
};

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
    ...sendingControl,
  },
});

export type Account = InferEntity<typeof Account>;
