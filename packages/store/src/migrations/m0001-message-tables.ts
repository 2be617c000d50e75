/**
 * The three tables that are split by week. No foreign keys: they are written many thousands of rows at a time, by code
 * that has just written the batch.
 */
export const messageTables: readonly string[] = [
  `create table message (
     id             uuid        not null primary key,        -- UUIDv8: 48 bits of time, then a keyed digest of batch and recipient
     tenant_id      uuid        not null,
     batch_id       uuid        not null,
     recipient      text        not null,                    -- E.164
     recipient_key  text        not null,                    -- the number with the aliases of one country folded: who is the same person
     recipient_hash bytea       not null,                    -- keyed hash of recipient_key; what Redis gets to know of a recipient
     metadata       jsonb,                                   -- what the caller sent along; null: the batch's
     status         smallint    not null,
     lane           smallint    not null default 2,          -- 1 urgent, 2 bulk
     attempt        int         not null default 0,          -- fence: one more on every claim
     tries          smallint    not null default 0,          -- budget: one more on every passing failure
     next_at        timestamptz not null,                    -- earliest time of the next attempt
     claim_token    uuid,                                    -- random; who holds it may record the outcome of the attempt
     claimed_at     timestamptz,                             -- when the current attempt began
     lease_until    timestamptz,                             -- sending without an outcome by then becomes unknown
     account_id     uuid,                                    -- whose credentials the current attempt used; a callback must come from it
     sender_id      uuid        not null,
     twilio_sid     text,                                    -- of the current attempt, once it is known
     evidence       smallint    not null default 0,          -- how the SID was learned: 0 not yet, 2 response, 3 callback
     error_code     int         not null default 0,          -- Twilio's, of the last refusal or failure; 0 for none
     error_message  text        not null default '',
     created_at     timestamptz not null,
     updated_at     timestamptz not null,
     submitted_at   timestamptz,
     sent_at        timestamptz,
     delivered_at   timestamptz,
     read_at        timestamptz,
     failed_at      timestamptz                              -- when it became undelivered or failed
   ) partition by range (id)`,
  `create index message_accepted on message (batch_id, next_at, id) where status = 1`,
  `create index message_queued on message (sender_id, updated_at) where status = 2`,
  `create index message_sending on message (lease_until) where status = 3`,
  `create index message_unknown on message (updated_at) where status = 4`,
  `create index message_twilio_sid on message (twilio_sid) where twilio_sid is not null`,
  `comment on table message is 'One message to one recipient, with its current attempt; partitioned by week of the batch'`,

  // The primary key is the identity of an event: a repeated callback is the same event.
  `create table message_event (
     message_id uuid        not null,
     tenant_id  uuid        not null,
     attempt    int         not null,
     status     smallint    not null,
     twilio_sid text        not null default '',    -- empty where there was none yet
     error_code int         not null default 0,
     source     smallint    not null,               -- who said so
     at         timestamptz not null,
     detail     jsonb,                              -- a callback's form without personal values
     primary key (message_id, attempt, status, twilio_sid, error_code)
   ) partition by range (message_id)`,
  `comment on table message_event is 'Everything learned about a message, each fact once; partitioned like message'`,

  `create table message_attempt (
     message_id    uuid        not null,
     tenant_id     uuid        not null,
     attempt       int         not null,
     account_id    uuid,
     sender_id     uuid        not null,
     twilio_sid    text,
     error_code    int         not null,               -- why it is over without a message at Twilio
     error_message text        not null,
     claimed_at    timestamptz,
     closed_at     timestamptz not null,               -- when the message went back to accepted
     primary key (message_id, attempt)
   ) partition by range (message_id)`,
  `comment on table message_attempt is 'Attempts that are over, kept when a message goes back for another; partitioned like message'`,
];
