-- The dead mailboxes that one account has written to: for its owner, who should take them off his lists.
--
-- KEYS  1 leu:dead_of:{ACCOUNT}  sorted set, see KEYS
-- ARGV  1 mode: add   one ADDRESS; adding twice is the same as once
--               drop  one ADDRESS, or all when there is none
--               list  all, the latest first
--       2 now, ms since 1970, for tests; "" = the server's clock
--       3 how many are kept, the latest  4 for how long, ms
--       5 when it was said, ms; "" = now  6 ADDRESS
-- Returns of add: 1 (new), 0 (known), -1 (new, and the oldest had to go); of drop: how many there were; of list a list: for
--       each its address and when it was last said, in ms.

local MOST, LONGEST = 100000, 400 * 86400000
local ROOM = 256 -- bytes of an address

local key, mode = KEYS[1], ARGV[1]
local floor = math.floor

local function whole(text, least, most)
	local number = text and #text < 16 and string.find(text, '^%d+$') and text + 0
	return number and number >= least and number <= most and number
end

local most, keep = whole(ARGV[3], 1, MOST), whole(ARGV[4], 60000, LONGEST)
local address = ARGV[6] or ''
if mode ~= 'add' and mode ~= 'drop' and mode ~= 'list' then
	return redis.error_reply('ERR no such mode')
elseif not most or not keep then
	return redis.error_reply('ERR how many and how long are whole numbers')
elseif (ARGV[2] ~= '' and not whole(ARGV[2], 0, 1e14)) or ((ARGV[5] or '') ~= '' and not whole(ARGV[5], 0, 1e14)) then
	return redis.error_reply('ERR a time is ms since 1970')
elseif #address > ROOM or string.find(address, '[^!-~]') or (mode == 'add' and address == '') then
	return redis.error_reply('ERR no address')
end
local now = floor((tonumber(ARGV[2]) or redis.call('TIME')[1] * 1000) / 1000)
local at = math.min(now, floor((tonumber(ARGV[5]) or now * 1000) / 1000))
local oldest = string.format('%.0f', now - floor(keep / 1000))

if mode == 'list' then
	local list = redis.call('ZREVRANGEBYSCORE', key, '+inf', '(' .. oldest, 'WITHSCORES')
	for i = 2, #list, 2 do
		list[i] = list[i] * 1000
	end
	return list
elseif mode == 'drop' then
	return address == '' and redis.call('EXPIRE', key, 0) or redis.call('ZREM', key, address)
elseif at <= now - floor(keep / 1000) then
	return 0
end

local before = tonumber(redis.call('ZSCORE', key, address) or 0)
if before >= at then
	return 0
end
redis.call('ZADD', key, string.format('%.0f', at), address)
redis.call('ZREMRANGEBYSCORE', key, '-inf', oldest)
local over = redis.call('ZCARD', key) - most
if over > 0 then
	redis.call('ZREMRANGEBYRANK', key, 0, over - 1)
end
redis.call('EXPIRE', key, floor(keep / 1000))
return before > 0 and 0 or over > 0 and -1 or 1
