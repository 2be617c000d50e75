-- Puts what was set aside back into the stream, at most so many at a time. One more failure sets it aside again.
--
-- KEYS[1]  stream           KEYS[2]  what was set aside   KEYS[3]  failures by id
-- ARGV[1]  consumer group   ARGV[2]  most entries         ARGV[3]  failures that they begin with
--
-- Returns how many.

local entries = redis.call("XRANGE", KEYS[2], "-", "+", "COUNT", ARGV[2])
if #entries > 0 and redis.call("EXISTS", KEYS[1]) == 0 then
  redis.call("XGROUP", "CREATE", KEYS[1], ARGV[1], "0", "MKSTREAM")
end
for _, entry in ipairs(entries) do
  local id = redis.call("XADD", KEYS[1], "*", "p", entry[2][2])
  redis.call("HSET", KEYS[3], id, ARGV[3])
  redis.call("XDEL", KEYS[2], entry[1])
end
if redis.call("XLEN", KEYS[2]) == 0 then redis.call("DEL", KEYS[2]) end
return #entries
