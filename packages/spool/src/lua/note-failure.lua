-- Notes that an entry could not be handled. One that has failed too often is set aside, where it keeps counting for the
-- size and nobody tries it any more.
--
-- KEYS[1]  stream           KEYS[2]  failures by id   KEYS[3]  what was set aside
-- ARGV[1]  consumer group   ARGV[2]  id               ARGV[3]  failures from which on it is set aside
--
-- Returns 1 where it was set aside by this call.

local entry = redis.call("XRANGE", KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then return 0 end
if redis.call("HINCRBY", KEYS[2], ARGV[2], 1) < tonumber(ARGV[3]) then return 0 end

redis.call("XADD", KEYS[3], "*", "p", entry[2][2])
redis.call("XACK", KEYS[1], ARGV[1], ARGV[2])
redis.call("XDEL", KEYS[1], ARGV[2])
redis.call("HDEL", KEYS[2], ARGV[2])
if redis.call("XLEN", KEYS[1]) == 0 then redis.call("DEL", KEYS[1], KEYS[2]) end
return 1
