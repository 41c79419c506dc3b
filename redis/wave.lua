-- Many different mailboxes of one provider turn dead within an hour: that may be the provider, or we, and not they.
--
-- KEYS  1 leu:wave:{PROVIDER}  hash, see KEYS; the mailboxes lie beside it, in leu:wave:{PROVIDER}:recent
-- ARGV  1 mode: look  says whether new suppressions are frozen, writes nothing
--               dead  one ADDRESS more was said not to exist; twice is the same as once
--               end   an admin has looked: no longer frozen
--       2 when it was said, ms since 1970; "" = now
--       3 now, ms since 1970, for tests; "" = the server's clock
--       4 how many in an hour are a wave  5 percent of the provider's answers that they must be at least, 0 = any
--       6 percent of its answers in the last hour that said it  7 ms that suppressions stay frozen  8 ADDRESS
-- Returns a list: frozen (1, 0), alarm (1: this call was the first of a wave), until when in ms (0 = it is not), how many
--       different ones within the hour (at most as many as are a wave), now in ms.
--
-- What comes while it is frozen is one wave with it: the freeze goes on and the alarm is not raised again.

local HOUR = 3600
local MOST = 1000
local ROOM = 256
local DAY = 86400000

local key, mode, address = KEYS[1], ARGV[1], ARGV[8] or ''
local recent = key .. ':recent'
local floor, format = math.floor, string.format

local function whole(text, least, most)
	local number = text and #text < 16 and string.find(text, '^%d+$') and text + 0
	return number and number >= least and number <= most and number
end

local wave, percent, share, hold = whole(ARGV[4], 1, MOST), whole(ARGV[5], 0, 100), whole(ARGV[6], 0, 100),
	whole(ARGV[7], 60000, 30 * DAY)
if mode ~= 'look' and mode ~= 'dead' and mode ~= 'end' then
	return redis.error_reply('ERR no such mode')
elseif not (wave and percent and share and hold) then
	return redis.error_reply('ERR 1 to 1000 are a wave; percentages; frozen for a minute to 30 days')
elseif (ARGV[2] ~= '' and not whole(ARGV[2], 0, 1e14)) or (ARGV[3] ~= '' and not whole(ARGV[3], 0, 1e14)) then
	return redis.error_reply('ERR a time is ms since 1970')
elseif #address > ROOM or string.find(address, '[^!-~]') or (mode == 'dead' and address == '') then
	return redis.error_reply('ERR no address')
end
local now_ms = tonumber(ARGV[3])
if not now_ms then
	local time = redis.call('TIME')
	now_ms = time[1] * 1000 + floor(time[2] / 1000)
end
local now = floor(now_ms / 1000)
local at = math.min(now, floor((tonumber(ARGV[2]) or now_ms) / 1000))
hold = floor(hold / 1000)

local values = redis.call('HMGET', key, 'until', 'waves')
local till, waves = tonumber(values[1]) or 0, tonumber(values[2]) or 0

local function answer(alarm)
	local frozen = till > now
	local after = format('(%.0f', now - HOUR)
	return { frozen and 1 or 0, alarm, frozen and till * 1000 or 0, redis.call('ZCOUNT', recent, after, '+inf'), now_ms }
end

local function time_text(seconds)
	local days = floor(seconds / 86400) + 719468
	local era = floor(days / 146097)
	local doe = days - era * 146097
	local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
	local mp = floor((5 * doy + 2) / 153)
	local month = mp < 10 and mp + 3 or mp - 9
	return format('%d-%02d-%02d %02d:%02d UTC', yoe + era * 400 + (month <= 2 and 1 or 0), month,
		doy - floor((153 * mp + 2) / 5) + 1, floor(seconds / 3600) % 24, floor(seconds / 60) % 60)
end

if mode == 'end' and till > now then
	redis.call('HSET', key, 'until', format('%.0f', now), 'until_text', time_text(now) .. ' by hand')
	redis.call('EXPIRE', recent, 0)
	till = now
end
if mode ~= 'dead' or at <= now - HOUR then
	return answer(0)
end

redis.call('ZADD', recent, format('%.0f', at), address)
redis.call('ZREMRANGEBYSCORE', recent, '-inf', format('%.0f', now - HOUR))
redis.call('EXPIRE', recent, HOUR)
local count = redis.call('ZCARD', recent)
if count > wave then
	redis.call('ZREMRANGEBYRANK', recent, 0, count - wave - 1)
	count = wave
end
if count < wave or share < percent then
	return answer(0)
end
local alarm = till > now and 0 or 1
if alarm == 1 then
	redis.call('HSET', key, 'waves', format('%.0f', waves + 1), 'since_text', time_text(now))
end
till = now + hold
redis.call('HSET', key, 'until', format('%.0f', till), 'until_text', time_text(till),
	'count', format('%d, %d %% of the answers of an hour', count, share))
redis.call('EXPIRE', key, math.max(hold, 7 * 86400))
redis.call('EXPIRE', recent, 0) -- from here on another as many must come for it to go on
return answer(alarm)
