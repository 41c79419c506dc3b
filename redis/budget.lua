-- Who used up a provider's patience, day by day; and first contacts that are on their way to it, of which it is not known
-- yet whether there is such a mailbox. What a day allows is limit.lua's: leu:limit:{PROVIDER} and leu:limit:{ACCOUNT}.
--
-- KEYS  1 leu:budget:{PROVIDER}  hash, see KEYS; the days lie beside it, in leu:budget:{PROVIDER}:YYYY-MM-DD. Which of
--         them are touched is known here only, so they are no KEYS; the slot is the same.
-- ARGV  1 mode: use    an account has used some of it; counted once by its token
--               who    says who did, of the latest days
--               take   some of what is left for first contacts under way, all or none
--               settle some of them are known to be delivered, or not
--       2 token of 4 characters: what was told with one of the last 64 of a day, or taken by one of the last 16, is not
--         done again; "" = none
--       3 when it happened, ms since 1970; "" = now     4 now, ms since 1970, for tests; "" = the server's clock
--       5 of use: account as in keys                    of who: days, 1 to 8
--         of take: how many may be under way            of settle: 0
--       6 of use: kind, unknown or complaint            of take and settle: how long one is at most under way, ms
--       7 of use, take, settle: how many
-- Returns of use: 1 (counted), 2 (its token was known), 0 (longer ago than days are kept); of who a list: for each account
--       of each day, the latest first, YYYY-MM-DD, account, unknown, complaints; of take: done (1; 2 its token was known;
--       0 there is no room) and how many are under way; of settle: 1 or 2, and how many are under way.
--
-- Of what is under way the oldest is settled first, and what is never settled counts no more after its time: three pieces,
-- so it is up to a half longer.

local DAY, DAYS = 86400, 8
local ACCOUNTS = 500 -- of a day; any further one is "other"
local TOKENS, MOST = 64, 1e9
local RECENT = { 'recent', 'recent_1', 'recent_2', 'recent_3' }

local key, mode, token = KEYS[1], ARGV[1], ARGV[2]
local floor, find, format = math.floor, string.find, string.format

local function whole(text, least, most)
	local number = text and #text < 16 and find(text, '^%d+$') and text + 0
	return number and number >= least and number <= most and number
end

if mode ~= 'use' and mode ~= 'who' and mode ~= 'take' and mode ~= 'settle' then
	return redis.error_reply('ERR no such mode')
elseif #ARGV ~= 7 then
	return redis.error_reply('ERR 7 arguments')
elseif #token ~= 0 and #token ~= 4 then
	return redis.error_reply('ERR a token has 4 characters')
elseif (ARGV[3] ~= '' and not whole(ARGV[3], 0, 1e14)) or (ARGV[4] ~= '' and not whole(ARGV[4], 0, 1e14)) then
	return redis.error_reply('ERR a time is ms since 1970')
end
local now_ms = tonumber(ARGV[4])
if not now_ms then
	local time = redis.call('TIME')
	now_ms = time[1] * 1000 + floor(time[2] / 1000)
end
local now = floor(now_ms / 1000)
local at = math.min(now, floor((tonumber(ARGV[3]) or now_ms) / 1000))
local n = whole(ARGV[7], 1, MOST)
if not n and mode ~= 'who' then
	return redis.error_reply('ERR how many is a whole number')
end

local function has_token(list)
	local from = token ~= '' and find(list or '', token, 1, true)
	while from and from % 4 ~= 1 do
		from = find(list, token, from + 1, true)
	end
	return from
end

local function day_text(seconds)
	local days = floor(seconds / DAY) + 719468
	local era = floor(days / 146097)
	local doe = days - era * 146097
	local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
	local mp = floor((5 * doy + 2) / 153)
	local month = mp < 10 and mp + 3 or mp - 9
	return format('%04d-%02d-%02d', yoe + era * 400 + (month <= 2 and 1 or 0), month, doy - floor((153 * mp + 2) / 5) + 1)
end

-- ---- who used it --------------------------------------------------------------------------------

local function use()
	local account, kind = ARGV[5], ARGV[6]
	if account == '' or #account > 200 or find(account, '[^a-z0-9.@_+%%-]') or string.sub(account, 1, 6) == 'recent' then
		account = 'other'
	end
	if kind ~= 'unknown' and kind ~= 'complaint' then
		return redis.error_reply('ERR no such kind')
	elseif at <= now - DAYS * DAY then
		return 0
	end
	local day = key .. ':' .. day_text(at)
	local recent = redis.call('HMGET', day, unpack(RECENT))
	for _, list in ipairs(recent) do
		if has_token(list) then
			return 2
		end
	end
	local value = redis.call('HGET', day, account)
	if not value and redis.call('HLEN', day) >= ACCOUNTS + #RECENT then
		account = 'other'
		value = redis.call('HGET', day, account)
	end
	local unknown, complaints = string.match(value or '', '^(%d+) (%d+)$')
	unknown, complaints = (unknown or 0) + (kind == 'unknown' and n or 0), (complaints or 0) + (kind == 'complaint' and n or 0)
	local set = { account, format('%.0f %.0f', unknown, complaints) }
	if token ~= '' then
		local first = recent[1] or ''
		if #first + 4 > TOKENS then
			for i = 4, 2, -1 do
				set[#set + 1] = RECENT[i]
				set[#set + 1] = recent[i - 1] or ''
			end
			first = ''
		end
		set[#set + 1] = 'recent'
		set[#set + 1] = first .. token
	end
	redis.call('HSET', day, unpack(set))
	redis.call('EXPIRE', day, (DAYS + 1) * DAY)
	return 1
end

local function who()
	local days, list = whole(ARGV[5], 1, DAYS), {}
	if not days then
		return redis.error_reply('ERR 1 to 8 days')
	end
	for i = 0, days - 1 do
		local day = day_text(now - i * DAY)
		local all = redis.call('HGETALL', key .. ':' .. day)
		for j = 1, #all, 2 do
			local unknown, complaints = string.match(all[j + 1], '^(%d+) (%d+)$')
			if unknown then
				local k = #list
				list[k + 1], list[k + 2], list[k + 3], list[k + 4] = day, all[j], unknown + 0, complaints + 0
			end
		end
	end
	return list
end

if mode == 'use' then
	return use()
elseif mode == 'who' then
	return who()
end

-- ---- what is under way --------------------------------------------------------------------------

local room, span = whole(ARGV[5], 0, MOST), whole(ARGV[6], 2000, 7 * DAY * 1000)
if not room or not span then
	return redis.error_reply('ERR how many may be under way, and how long: whole numbers')
end
span = floor(span / 2000)
local tokens = mode == 'take' and 'taken' or 'settled'
local known = redis.call('HMGET', key, 'under_way', 'last', tokens)
local last = tonumber(known[2]) or 0
local base = math.max(now, last) -- a clock that steps back moves nothing
local ways, sum, i = { 0, 0, 0 }, 0, 0
for count in string.gmatch(known[1] or '', '%d+') do
	i = i + 1
	local place = i + floor(base / span) - floor(last / span)
	if place <= 3 then
		ways[place] = math.min(tonumber(count), MOST)
		sum = sum + ways[place]
	end
end
if has_token(known[3]) then
	return { 2, sum }
elseif mode == 'take' then
	if sum + n > room then
		return { 0, sum }
	end
	ways[1], sum = ways[1] + n, sum + n
else
	for place = 3, 1, -1 do
		local less = math.min(n, ways[place])
		ways[place], n, sum = ways[place] - less, n - less, sum - less
	end
	if not known[1] then
		return { 1, 0 }
	end
end
redis.call('HSET', key, 'under_way', table.concat(ways, ' '), 'last', format('%.0f', base), tokens,
	string.sub((known[3] or '') .. token, -TOKENS))
redis.call('EXPIRE', key, 4 * span)
return { 1, sum }
