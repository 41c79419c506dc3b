-- Limits that an admin has set for one account for a time; limit.lua takes them instead of those of conf.d.
--
-- KEYS  1 leu:override:{ACCOUNT}  hash, see KEYS
-- ARGV  1 mode: set   for one NAME, instead of what was there
--               drop  one NAME, or all when there is none
--               list  says what is there
--       2 now, ms since 1970, for tests; "" = the server's clock
--       3 NAME  4 limit of any hour  5 limit of any day (0 = none)  6 until when, ms  7 reason  8 who
-- Returns of set: 1; of drop: how many there were; of list a list: for each NAME its name, hour, day, until in ms, in words.
--
-- What has ended goes with the next set; the key goes with the last that ends.

local NAMES = 32
local LONGEST = 366 * 86400
local ROOM = 64   -- bytes of a NAME, as in limit.lua
local WORDS = 200 -- bytes of reason and who together

local key, mode, name = KEYS[1], ARGV[1], ARGV[3]
local floor, match = math.floor, string.match
local now = floor((tonumber(ARGV[2]) or redis.call('TIME')[1] * 1000) / 1000)

local function whole(text, most)
	local number = tonumber(text)
	return number and number >= 0 and number <= most and floor(number) == number and number or nil
end

local function time_text(seconds)
	local days = floor(seconds / 86400) + 719468
	local era = floor(days / 146097)
	local doe = days - era * 146097
	local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
	local mp = floor((5 * doy + 2) / 153)
	local month = mp < 10 and mp + 3 or mp - 9
	return string.format('%d-%02d-%02d %02d:%02d UTC', yoe + era * 400 + (month <= 2 and 1 or 0), month,
		doy - floor((153 * mp + 2) / 5) + 1, floor(seconds / 3600) % 24, floor(seconds / 60) % 60)
end

-- NAME -> { hour, day, till }, and when the last of them ends.
local there, count, latest = {}, 0, 0
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
	local hour, day, till = match(all[i + 1], '^(%d+) (%d+) (%d+)$')
	if till then
		there[all[i]] = { tonumber(hour), tonumber(day), tonumber(till) }
	end
end

if mode == 'list' then
	local list = {}
	for i = 1, #all, 2 do
		local limit = there[all[i]]
		if limit and limit[3] > now then
			local words = redis.call('HGET', key, all[i] .. '_text') or ''
			for _, value in ipairs({ all[i], limit[1], limit[2], limit[3] * 1000, words }) do
				list[#list + 1] = value
			end
		end
	end
	return list
elseif mode == 'drop' then
	if not name then
		return redis.call('EXPIRE', key, 0)
	end
	redis.call('HDEL', key, name .. '_text')
	return redis.call('HDEL', key, name)
elseif mode ~= 'set' then
	return redis.error_reply('ERR no such mode')
end

local hour, day, till = whole(ARGV[4], 1e9), whole(ARGV[5], 1e9), whole(ARGV[6], 1e15)
local reason, who = ARGV[7] or '', ARGV[8] or ''
till = till and floor(till / 1000)
if not name or name == '' or #name > ROOM or match(name, '_text$') then
	return redis.error_reply('ERR no name of a limit')
elseif not hour or not day then
	return redis.error_reply('ERR limits are whole numbers')
elseif not till or till <= now or till > now + LONGEST then
	return redis.error_reply('ERR it must end within the next 366 days')
elseif #reason + #who > WORDS then
	return redis.error_reply('ERR reason and who are too long')
end

there[name] = { hour, day, till }
local gone = {}
for other, limit in pairs(there) do
	if limit[3] <= now then
		gone[#gone + 1] = other
		gone[#gone + 1] = other .. '_text'
	else
		count, latest = count + 1, math.max(latest, limit[3])
	end
end
if count > NAMES then
	return redis.error_reply('ERR there are too many already')
end
redis.call('HSET', key, name, string.format('%d %d %d', hour, day, till), name .. '_text',
	'until ' .. time_text(till) .. (who ~= '' and ' by ' .. who or '') .. (reason ~= '' and ': ' .. reason or ''))
if #gone > 0 then
	redis.call('HDEL', key, unpack(gone))
end
redis.call('EXPIRE', key, latest - now + 86400)
return 1
