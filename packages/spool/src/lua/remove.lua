-- Takes entries out that have been handled. Those that somebody else has taken out already are no harm. What is empty
-- afterwards leaves no key behind, its consumers included.
--
-- KEYS[1]  stream           KEYS[2]  size of all that is kept   KEYS[3]  failures by id   KEYS[4]  what was set aside
-- ARGV[1]  consumer group   ARGV[2]  bytes an entry takes besides its payload
-- ARGV[3]  and further: ids

local size = 0
for i = 3, #ARGV do
  local entry = redis.call("XRANGE", KEYS[1], ARGV[i], ARGV[i])[1]
  redis.call("XACK", KEYS[1], ARGV[1], ARGV[i])
  redis.call("HDEL", KEYS[3], ARGV[i])
  if entry then
    redis.call("XDEL", KEYS[1], ARGV[i])
    size = size + #entry[2][2] + tonumber(ARGV[2])
  end
end
redis.call("DECRBY", KEYS[2], size)
if redis.call("XLEN", KEYS[1]) == 0 then
  redis.call("DEL", KEYS[1], KEYS[3])
  if redis.call("EXISTS", KEYS[4]) == 0 then redis.call("DEL", KEYS[2]) end
end
return 1
