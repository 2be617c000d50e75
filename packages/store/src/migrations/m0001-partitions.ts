/** Upkeep of the weekly partitions of message, message_event and message_attempt. */
export const partitions: readonly string[] = [
  // Weeks are counted from the Unix epoch. The partition key is a UUID whose first 48 bits are milliseconds, so a bound
  // is the twelve hex digits of a week's first millisecond followed by zeros.
  `create function ensure_partitions(from_at timestamptz, until_at timestamptz) returns int
   language plpgsql as $$
   declare
     week_ms    constant bigint := 7 * 24 * 3600 * 1000;
     first_week constant bigint := floor(extract(epoch from from_at) * 1000 / week_ms);
     last_week  constant bigint := floor(extract(epoch from until_at) * 1000 / week_ms);
     -- A message is rewritten about six times within minutes, and never in place (heap-only): its status is in the
     -- conditions of the indexes. Room in the page lets a new version stand beside the old one and later take its
     -- space: measured over a whole life, the table ends at 1.8 times its bare rows instead of 3.3. Vacuum comes after
     -- 2 % of the rows instead of 20 %, or the planner wades through dead entries of what has left message_accepted.
     message_storage constant text := 'fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, '
       || 'autovacuum_analyze_scale_factor = 0.05';
     parent  text;
     part    text;
     lower   uuid;
     upper   uuid;
     created int := 0;
   begin
     -- One at a time: services call this when they start, and they start together.
     perform pg_advisory_xact_lock(hashtextextended('whatsapphub ensure_partitions', 0));
     for week in first_week .. last_week loop
       lower := (lpad(to_hex(week * week_ms), 12, '0') || repeat('0', 20))::uuid;
       upper := (lpad(to_hex((week + 1) * week_ms), 12, '0') || repeat('0', 20))::uuid;
       foreach parent in array array['message', 'message_event', 'message_attempt'] loop
         part := parent || '_p' || to_char(to_timestamp(week * week_ms / 1000) at time zone 'utc', 'YYYYMMDD');
         continue when to_regclass(part) is not null;
         -- Made apart and then attached: that way the parent stays readable and writable throughout. The indexes that
         -- come along with the copy become the parts of the parent's.
         execute format('create table %I (like %I including all)', part, parent);
         if parent = 'message' then
           execute format('alter table %I set (%s)', part, message_storage);
         end if;
         execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, lower, upper);
         created := created + 1;
       end loop;
     end loop;
     return created;
   end
   $$`,
  `comment on function ensure_partitions is 'Creates the missing weekly partitions that cover a span of time; returns how many'`,
  `select ensure_partitions(now() - interval '1 week', now() + interval '5 weeks')`,
];
