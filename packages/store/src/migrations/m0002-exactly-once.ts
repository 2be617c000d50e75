import type { SqlMigration } from "./sql-migration.ts";

/** What account and sender both get: why they are paused, when they are tried again, how much they are slowed down. */
const sendingColumns = `
     add column pause_code       int              not null default 0,  -- Twilio's code that paused it; 0 for none
     add column pause_reason     text             not null default '', -- for people
     add column paused_at        timestamptz,
     add column resumed_at       timestamptz,                          -- what was queued before is offered again
     add column probe_at         timestamptz,                          -- when one message may try, or the next one where that one is lost; null: only a person resumes it
     add column probes           int              not null default 0,  -- tries since the pause that did not help; the waits grow with them
     add column probe_message_id uuid,                                 -- while probing: the one message that may go out
     add column hold_until       timestamptz,                          -- nothing is planned or claimed before
     add column pace             double precision not null default 1,  -- share of the speed at paced_at, since then recovering to 1
     add column paced_at         timestamptz                           -- when it was last slowed down`;

/** Pausing, slowing down, and what it takes to find out what became of an attempt without an answer. */
export const exactlyOnce: SqlMigration = {
  name: "0002-exactly-once",
  statements: [
    `alter table account ${sendingColumns}`,
    `alter table sender ${sendingColumns}`,
    `alter table sender
       add column declared_at timestamptz                              -- when the environment last named it; the last one is the default`,

    `alter table batch
       add column unknown_policy smallint    not null default 1,       -- UnknownPolicy: what to do where nobody can say whether Twilio took a message
       add column validity_s     int,                                  -- with policy resend: seconds after which Twilio gives a message up; sent along
       add column expires_at     timestamptz,                          -- nothing is sent from then on
       add column pause_code     int         not null default 0,       -- Twilio's code that paused it; 0 for none
       add column pause_reason   text        not null default '',      -- for people
       add column paused_at      timestamptz,
       add column canceled_at    timestamptz`,
    // Every planning round writes virtual_time; an index on it would have to follow each time.
    `drop index batch_running`,
    `create index batch_running on batch (sender_id) where state = 2`,
    `create index batch_paused on batch (pause_code) where state = 5`,
    `create index batch_expiring on batch (expires_at) where state in (2, 5) and expires_at is not null`,
    `create index batch_canceling on batch (id) where state = 6 and completed_at is null`,
    `create index batch_settled on batch (settled_at) where settled_at is not null`,

    `alter table message
       add column reconcile_at timestamptz,                            -- while unknown: when Twilio is asked next; null: a person decides
       add column absences     smallint    not null default 0,         -- while unknown: how often Twilio's list has not had it
       add column unlisted_since timestamptz                           -- while unknown: since when Twilio was asked and gave no list; null: not asked yet, or it did`,
    `drop index message_unknown`,
    `create index message_unresolved on message (reconcile_at) where status = 4`,
    `create index message_unknown on message (sender_id, recipient_key) where status = 4`,
    `create index message_assumed on message (batch_id) where evidence = 5`,
    `create index message_assumed_recipient on message (sender_id, recipient_key) where evidence = 5`,
    // What was unknown before had no end of its lease, and nobody looked for it.
    `update message set lease_until = coalesce(lease_until, updated_at), reconcile_at = updated_at where status = 4`,

    `alter table message_attempt
       add column recipient_key text,                                  -- where nobody knows whether Twilio took it: who may have got it
       add column lease_until   timestamptz                            -- there: when at the latest the request had ended`,
    `create index message_attempt_open on message_attempt (sender_id, recipient_key) where recipient_key is not null`,
    `create index message_attempt_twilio_sid on message_attempt (twilio_sid) where twilio_sid is not null`,

    `create table duplicate_sid (
       twilio_sid text        not null primary key,
       tenant_id  uuid        not null,
       message_id uuid        not null,
       attempt    int         not null,
       seen_at    timestamptz not null
     )`,
    `create index duplicate_sid_message_id on duplicate_sid (message_id)`,
    `comment on table duplicate_sid is 'SIDs beyond the first of an attempt: the recipient may have got the message twice'`,
  ],
};
