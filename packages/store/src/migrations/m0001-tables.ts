/**
 * The first tables. Statuses are smallint and hold the numbers of MessageStatus and BatchState, sources those of
 * EventSource. Each comment on a table repeats the one on its entity; the drift check compares them.
 */
export const tables: readonly string[] = [
  `create table tenant (
     id                 uuid        not null primary key,
     name               text        not null unique,
     recipient_hash_key bytea       not null,                -- secret of recipient_hash: 32 random bytes per tenant
     created_at         timestamptz not null
   )`,
  `comment on table tenant is 'A customer of the hub; every other row belongs to one'`,

  `create table api_key (
     id         uuid        not null primary key,
     tenant_id  uuid        not null references tenant (id),
     name       text        not null,
     key_hash   bytea       not null unique,                 -- sha-256 of the key; the key itself is never stored
     created_at timestamptz not null,
     revoked_at timestamptz                                  -- from then on the key is not valid
   )`,
  `comment on table api_key is 'Keys that callers authenticate with; only their SHA-256 is stored'`,

  `create table account (
     id              uuid        not null primary key,
     tenant_id       uuid        not null references tenant (id),
     sid             text        not null unique,            -- Twilio's id of the account
     credentials_ref text        not null,                   -- where the secret is ('env': TWILIO_AUTH_TOKEN), never the secret
     state           smallint    not null default 1,         -- 1 active, 2 paused
     created_at      timestamptz not null
   )`,
  `comment on table account is 'Twilio accounts; the secret itself is never stored'`,

  `create table sender (
     id                  uuid        not null primary key,
     tenant_id           uuid        not null references tenant (id),
     account_id          uuid        not null references account (id),
     phone               text        not null,               -- E.164
     messages_per_second int         not null default 80,    -- the pace that Twilio and WhatsApp allow it
     state               smallint    not null default 1,     -- 1 active, 2 paused
     virtual_time        double precision not null default 0, -- where the planner is: batches that were idle begin here
     created_at          timestamptz not null,
     unique (account_id, phone)
   )`,
  `comment on table sender is 'WhatsApp numbers that messages go out from, with their speed'`,

  // Every planning round writes virtual_time, so rows are updated in place for as long as a batch runs.
  `create table batch (
     id              uuid             not null primary key,  -- UUIDv7: its time is the time in the ids of its messages
     tenant_id       uuid             not null references tenant (id),
     idempotency_key text,                                   -- the caller's; unique within the tenant, free again when the batch is discarded
     state           smallint         not null,
     owner           uuid,                                   -- while accepting: the call that stores its recipients
     owned_until     timestamptz,                            -- while accepting: until when it is the owner's without a sign of life
     received        int              not null default 0,    -- recipients read so far, bad and repeated ones included
     intake_hash     bytea            not null,              -- content hash after them; of the whole once it runs
     sender_id       uuid             not null references sender (id),
     content         jsonb            not null,              -- proto JSON of whatsapphub.v1.Content
     metadata        jsonb,                                  -- for messages without their own
     total           int              not null default 0,    -- distinct recipients stored
     rejected_count  int              not null default 0,    -- recipients refused at the door
     rejected        jsonb            not null default '[]', -- the first of them, each with index and reason
     virtual_time    double precision not null default 0,    -- fairness among the batches of a sender
     created_at      timestamptz      not null,
     updated_at      timestamptz      not null,
     completed_at    timestamptz,                            -- nothing waits and nothing is unresolved
     settled_at      timestamptz                             -- and nothing is on its way any more, or the age limit for waiting has passed
   ) with (fillfactor = 70)`,
  `create unique index batch_idempotency_key on batch (tenant_id, idempotency_key) where idempotency_key is not null`,
  `create index batch_running on batch (sender_id, virtual_time) where state = 2`,
  `create index batch_accepting on batch (owned_until) where state = 1`,
  `create index batch_discarding on batch (id) where state = 4`,
  `create index batch_unsettled on batch (completed_at) where completed_at is not null and settled_at is null`,
  `comment on table batch is 'One BulkSend each: what its messages have in common, and how far it is'`,

  // A queue: whatever comes in is folded and deleted within a second. Vacuum goes by rows, not by a share of a table
  // that is nearly empty, or a scan would wade through the dead.
  `create table batch_count_delta (
     id         bigint   not null generated always as identity primary key,
     tenant_id  uuid     not null,
     batch_id   uuid     not null,
     status     smallint not null,
     error_code int      not null,
     n          int      not null               -- added to the count of the batch, status and error code; may be negative
   ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`,
  `comment on table batch_count_delta is 'Changes of the counts, written by the statement that changes the messages and folded in by one loop'`,

  // Only n changes, and no index holds it: with room in the page every fold stays a heap-only update.
  `create table batch_count (
     batch_id   uuid     not null references batch (id),
     tenant_id  uuid     not null,
     status     smallint not null,
     error_code int      not null,
     n          int      not null,
     primary key (batch_id, status, error_code)
   ) with (fillfactor = 50)`,
  `comment on table batch_count is 'Messages of a batch by status and error code, without the deltas that are not folded in yet'`,

  `create table orphan_callback (
     id          uuid        not null primary key,
     tenant_id   uuid,
     account_sid text        not null,
     twilio_sid  text        not null,
     message_id  uuid,                                       -- of the callback URL, where it had one
     attempt     int,                                        -- of the callback URL, where it had one
     status      smallint    not null,
     error_code  int         not null default 0,
     detail      jsonb,                                      -- the callback's form without personal values
     received_at timestamptz not null,
     expires_at  timestamptz not null
   )`,
  `create index orphan_callback_twilio_sid on orphan_callback (twilio_sid)`,
  `create index orphan_callback_expires_at on orphan_callback (expires_at)`,
  `comment on table orphan_callback is 'Signed callbacks of messages the hub does not know, until they expire'`,

  // The code a count is grouped by: only UNDELIVERED (8) and FAILED (9) are counted by error code.
  `create function counted_error(status smallint, error_code int) returns int
   language sql immutable parallel safe
   return case when status in (8, 9) then error_code else 0 end`,
  `comment on function counted_error is 'The error code that a message is counted under: its own where it is undelivered or failed, else 0'`,
];
