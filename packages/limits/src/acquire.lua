-- Takes one turn from a recipient's and a sender's limit, or from neither. README.md explains both limits.
--
-- KEYS[1]  recipient: the times of its last grants, oldest first, each 6 bytes of milliseconds since 1970.
--          A packed string because there is one per recipient of the last window: with a single grant, the usual case,
--          it takes 182 bytes of memory where a list takes 293; with fifty 484 where a sorted set takes 1189.
-- KEYS[2]  sender: the theoretical arrival time of GCRA, microseconds since 1970
-- ARGV[1]  most grants per recipient and window     ARGV[2]  window, ms
-- ARGV[3]  interval between messages, us            ARGV[4]  tolerance for bursts, us
-- ARGV[5]  how long keys outlive their use, ms      ARGV[6]  now, us; empty: this server's clock
-- ARGV[7]  how far ahead a sender's turn may be reserved, us
--
-- Returns {time until the granted turn in us, the recipient's grant in ms since 1970}, or
--         {time to wait before asking again in us, "recipient" or "sender"}.

local max = tonumber(ARGV[1])
local window_us = tonumber(ARGV[2]) * 1000
local interval_us = tonumber(ARGV[3])
local tolerance_us = tonumber(ARGV[4])
local now_us = tonumber(ARGV[6])
local max_wait_us = tonumber(ARGV[7])
if not now_us then
  -- One clock for all replicas of the sender: theirs may differ.
  local time = redis.call("TIME")
  now_us = time[1] * 1000000 + time[2]
end

local size = 6
local grants = redis.call("GET", KEYS[1]) or ""
local count = #grants / size

-- Only the grant `max` places back matters: once it has left the window, fewer than `max` remain inside.
local recipient_wait_us = 0
if count >= max then
  local oldest_ms = struct.unpack(">I6", grants, (count - max) * size + 1)
  recipient_wait_us = oldest_ms * 1000 + window_us - now_us
end

-- No grant leaves a later arrival time than this; a clock that was set back does, and must not hold the sender up.
local latest_us = now_us + max_wait_us + tolerance_us + interval_us
local arrival_us = math.max(now_us, math.min(tonumber(redis.call("GET", KEYS[2]) or "0"), latest_us))
local sender_wait_us = math.max(0, arrival_us - tolerance_us - now_us)

-- Only the sender's pace is waited for with a reservation: one for a recipient would hold up all others behind it.
if recipient_wait_us > sender_wait_us or sender_wait_us > max_wait_us then
  if recipient_wait_us >= sender_wait_us then return { recipient_wait_us, "recipient" } end
  return { sender_wait_us, "sender" }
end

-- Rounded up, so that a window is never a fraction short; never before the last grant, should the clock be set back.
local grant_ms = math.ceil((now_us + sender_wait_us) / 1000)
if count > 0 then
  grant_ms = math.max(grant_ms, (struct.unpack(">I6", grants, (count - 1) * size + 1)))
end
if count >= max then grants = string.sub(grants, (count - max + 1) * size + 1) end
local recipient_ms = ARGV[2] + ARGV[5] + math.ceil(sender_wait_us / 1000)
redis.call("SET", KEYS[1], grants .. struct.pack(">I6", grant_ms), "PX", recipient_ms)

arrival_us = arrival_us + interval_us
local idle_ms = math.ceil((arrival_us - now_us) / 1000)
-- Lua would write a number of this size with 14 digits.
redis.call("SET", KEYS[2], string.format("%.0f", arrival_us), "PX", idle_ms + ARGV[5])
return { sender_wait_us, grant_ms }
