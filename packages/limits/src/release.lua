-- Gives one grant of a recipient back.
--
-- KEYS[1]  recipient: the times of its last grants, see acquire.lua
-- ARGV[1]  the grant, ms since 1970

local size = 6
local grants = redis.call("GET", KEYS[1]) or ""
local wanted = struct.pack(">I6", tonumber(ARGV[1]))
for at = 1, #grants, size do
  if string.sub(grants, at, at + size - 1) == wanted then
    local rest = string.sub(grants, 1, at - 1) .. string.sub(grants, at + size)
    if rest == "" then
      redis.call("DEL", KEYS[1])
    else
      redis.call("SET", KEYS[1], rest, "KEEPTTL")
    end
    return 1
  end
end
return 0
