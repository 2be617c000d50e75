-- Appends payloads, all of them or, where they would not fit, none. With the first one the consumer group comes about.
--
-- KEYS[1]  stream           KEYS[2]  size of all that is kept, bytes
-- ARGV[1]  consumer group   ARGV[2]  most bytes   ARGV[3]  bytes an entry takes besides its payload
-- ARGV[4]  and further: payloads
--
-- Returns 1, or 0 where they do not fit.

local size = 0
for i = 4, #ARGV do size = size + #ARGV[i] + tonumber(ARGV[3]) end
if tonumber(redis.call("GET", KEYS[2]) or "0") + size > tonumber(ARGV[2]) then return 0 end

if redis.call("EXISTS", KEYS[1]) == 0 then
  redis.call("XGROUP", "CREATE", KEYS[1], ARGV[1], "0", "MKSTREAM")
end
for i = 4, #ARGV do redis.call("XADD", KEYS[1], "*", "p", ARGV[i]) end
redis.call("INCRBY", KEYS[2], size)
return 1
