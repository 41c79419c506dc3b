-- Limits of one entity (account, victim, network): so much in any hour and in any day, decided and counted in one step.
--
-- KEYS  1 leu:limit:{ENTITY}      hash, see KEYS; some have a :SUB
--       2 leu:override:{ACCOUNT}  may be missing; what stands there for a NAME replaces its limits
-- ARGV  1 mode: check    says whether all of them would fit, writes nothing
--               count    counts all of them if each fits, else none
--               observe  counts all of them whether or not they fit
--               reset    forgets the NAMEs, or everything when there is none
--       2 token of 4 characters: what was counted with one of the last 64 tokens is not counted again; "" = none
--       3 how long ago it happened, ms: for what is told late
--       4 what the time should be, ms since 1970: where the server's clock is more than 5 minutes off, that counts, and a
--         clock that jumps neither locks nor unlocks; with a sign, what to add to the server's clock; "" = that clock
--       then for each limit: NAME, n, limit of any hour, limit of any day (0 = none); with reset only NAME counts
-- Returns a list: fits (1, 0), counted (1; 2 = its token was known; 0), now in ms, when all of them would fit in ms
--       (0 = now, -1 = never), when a count of this entity last did not fit before this one and since when that had
--       happened without a day's pause (0 = not within a day), by how much now is ahead of the server's clock, then for
--       each limit: used in the hour, its limit, used in the day, its limit, when it
--       would fit, notices (1 and 2: this call was the first within an hour that reached 80 and 100 % of the hour's
--       limit; 4 and 8: the same of the day), and until when it is overridden in ms (0 = it is not).
--
-- Never more than the limit in any real hour: what was counted in a piece of 10 minutes counts until all of it is older
-- than that, so a window is up to 10 minutes longer than it says. Where a value becomes too long, pieces behind the hour are
-- joined up to an hour (in a busy hash a few hours), again as if all was in the last one. A clock that steps back leaves all ages as they were.

local STEP, HOUR, DAY = 600, 6, 144 -- s; steps
local PAUSE = 1440                  -- minutes
local TRUST = 300000                -- ms
local ROOM = 64                     -- bytes of a value: with one longer the hash takes twice the memory
local NAMES = 40                    -- of one entity; any further one is counted as "other"
local KINDS = 8                     -- beyond those: "other" and "account:KIND", so that a script of many names leaves the other kinds alone
local TOKENS = 64                   -- bytes of tokens in one of the fields
local KEPT = 50 * 3600              -- s: a day of the ring, and one for a clock that jumps
local MOST = 1e9                    -- of any number from outside
local RECENT = { 'recent', 'recent_1', 'recent_2', 'recent_3' }
local OWN = { last_text = true, state = true, refused = true, recent = true, recent_1 = true, recent_2 = true, recent_3 = true }

local key, mode, token = KEYS[1], ARGV[1], ARGV[2]
local floor, find, match, gmatch, cut = math.floor, string.find, string.match, string.gmatch, string.sub

-- ---- what is asked ------------------------------------------------------------------------------

local function whole(text)
	local number = tonumber(text)
	return number and number >= 0 and number <= MOST and number % 1 == 0 and number
end

if mode ~= 'check' and mode ~= 'count' and mode ~= 'observe' and mode ~= 'reset' then
	return redis.error_reply('ERR no such mode')
elseif #token ~= 0 and #token ~= 4 then
	return redis.error_reply('ERR a token has 4 characters')
elseif #ARGV % 4 ~= 0 then
	return redis.error_reply('ERR each limit has 4 arguments')
end
local limits, names = {}, {}
for i = 5, #ARGV, 4 do
	local limit = { name = ARGV[i], n = whole(ARGV[i + 1]), hour = whole(ARGV[i + 2]), day = whole(ARGV[i + 3]), till = 0,
		ring = false, free = 0, notices = 0 } -- eight, and none later: a table that grows costs twice
	if not (limit.n and limit.hour and limit.day) then
		return redis.error_reply('ERR n and limits are whole numbers')
	elseif limit.name == '' or #limit.name > ROOM or OWN[limit.name] then
		return redis.error_reply('ERR no name of a limit: ' .. limit.name)
	end
	limits[#limits + 1], names[#names + 1] = limit, limit.name
end

if mode == 'reset' then
	if #names == 0 then
		return redis.call('EXPIRE', key, 0)
	end
	local gone = redis.call('HDEL', key, unpack(names))
	if gone > 0 then
		redis.call('HDEL', key, 'state')
	end
	return gone
end

local time, given = redis.call('TIME'), tonumber(ARGV[4])
local clock = time[1] * 1000 + floor(time[2] / 1000)
local now = clock
if given and find(ARGV[4], '^[+-]') then
	now = clock + given
elseif given and math.abs(given - clock) > TRUST then
	now = given
end
local step = floor(now / STEP / 1000)

if KEYS[2] and #names > 0 then
	for i, value in ipairs(redis.call('HMGET', KEYS[2], unpack(names))) do
		local hour, day, till = match(value or '', '^(%d+) (%d+) (%d+)$')
		if till and till * 1000 > now then
			limits[i].hour, limits[i].day, limits[i].till = tonumber(hour), tonumber(day), till * 1000
		end
	end
end

-- ---- what is known ------------------------------------------------------------------------------

local fields, known = {}, 0 -- known: names of limits
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
	fields[all[i]] = all[i + 1]
	known = OWN[all[i]] and known or known + 1
end

-- By how much all ages have grown since the last write. Years begin in March here, so that leap days stand last.
local shift, minute, passed = 0, -1, 0
if fields.last_text then
	local year, month, day, hour, min = match(fields.last_text, '^(%d+)-(%d+)-(%d+) (%d+):(%d+)')
	if year then
		year = month - 2 <= 0 and year - 1 or year + 0
		local days = floor((153 * ((month + 9) % 12) + 2) / 5) + day + 365 * year + floor(year / 4) - floor(year / 100)
			+ floor(year / 400) - 719469
		minute = days * 1440 + hour * 60 + min
		if now < minute * 60000 and clock >= minute * 60000 then -- a caller that has slept
			now = minute * 60000
			step = floor(now / STEP / 1000)
		end
		passed = math.max(0, floor(now / 60000) - minute)
		shift = math.max(0, step - floor(minute / 10))
	end
end

-- How often a count did not fit; minutes since the last time, and since the first without a day's pause.
local refused, refused_last, refused_first = match(fields.refused or '', '^(%d+) ?(%d*) ?(%d*)$')
refused, refused_last = tonumber(refused) or 0, tonumber(refused_last)
refused_last = refused_last and refused_last + passed
refused_last = refused_last and refused_last <= PAUSE and refused_last
refused_first = refused_last and (tonumber(refused_first) or 0) + passed

local function minutes_ago(minutes)
	return minutes and now - minutes * 60000 or 0
end

-- What was counted in these ten minutes has no age: the first piece is a mere count then. Returns it, and the others.
local function pieces_split(pieces)
	local count, others = match(pieces, '^(%d+)( .*)$')
	return count or match(pieces, '^%d+$'), others or ''
end

-- A ring's list: age and count of each piece, the youngest first. Returns what is used of the hour and of the day too.
local function list_read(pieces, older)
	local list, last, hour, day = {}, 0, 0, 0
	if pieces_split(pieces) then
		pieces = '0:' .. pieces
	end
	for age, count in gmatch(pieces, '(%d+):(%d+)') do
		age, count = age + older, count + 0
		if age <= DAY then
			list[last + 1], list[last + 2] = age, count
			last, day, hour = last + 2, day + count, age <= HOUR and hour + count or hour
		end
	end
	return list, hour, day
end

-- Has its pieces as text (`pieces`), as a list, or both: most of a value need not be taken apart to be counted on.
local function ring_read(value)
	local hour, limit_hour, day, limit_day, rest = match(value, '^(%d+)/(%S+) (%d+)/(%S+) (.*)$')
	local ring = { pieces = rest or value, list = false, hour = 0, day = 0, limit_hour = limit_hour, limit_day = limit_day }
	local mark, age, others = match(ring.pieces, '^([p-s]):(%d+) ?(.*)$')
	while mark do
		age = age + shift
		ring[mark] = age <= ((mark == 'p' or mark == 'q') and HOUR or DAY) and age or nil
		ring.pieces = others
		mark, age, others = match(others, '^([p-s]):(%d+) ?(.*)$')
	end
	if day and shift == 0 then
		ring.hour, ring.day = hour + 0, day + 0
	else
		ring.list, ring.hour, ring.day = list_read(ring.pieces, shift)
		ring.pieces = shift == 0 and ring.pieces
	end
	return ring
end

-- When n more fit below the limit, in ms; 0 = now, -1 = never.
local function ring_free(ring, span, used, n, limit)
	local over = used + n - limit
	if limit == 0 or n == 0 or over <= 0 then
		return 0
	end
	ring.list = ring.list or list_read(ring.pieces, 0)
	for i = #ring.list - 1, 1, -2 do
		if ring.list[i] <= span then
			over = over - ring.list[i + 1]
			if over <= 0 then
				return (step - ring.list[i] + span + 1) * STEP * 1000
			end
		end
	end
	return -1
end

-- ---- whether it fits ----------------------------------------------------------------------------

local function later(a, b)
	return (a == -1 or b == -1) and -1 or a > b and a or b
end

if known + #limits > NAMES then -- those whose day is over count no more
	for name, value in pairs(fields) do
		known = not OWN[name] and ring_read(value).day == 0 and known - 1 or known
	end
end

local rings, free = {}, 0
for _, limit in ipairs(limits) do
	if not fields[limit.name] and not rings[limit.name] then
		known = known + 1
		local room = cut(limit.name, 1, 8) == 'account:' and NAMES + KINDS or NAMES
		limit.name = known > room and 'other' or limit.name
	end
	local ring = rings[limit.name] or ring_read(fields[limit.name] or '')
	rings[limit.name], limit.ring = ring, ring
	limit.free = later(ring_free(ring, HOUR, ring.hour, limit.n, limit.hour),
		ring_free(ring, DAY, ring.day, limit.n, limit.day))
	free = later(free, limit.free)
end
local fits = free == 0

local function answer(counted)
	local list = { (fits or counted == 2) and 1 or 0, counted, now, counted == 2 and 0 or free,
		minutes_ago(refused_last), minutes_ago(refused_first), now - clock }
	for _, limit in ipairs(limits) do
		local i, ring = #list, limit.ring
		list[i + 1], list[i + 2], list[i + 3], list[i + 4] = ring.hour, limit.hour, ring.day, limit.day
		list[i + 5], list[i + 6], list[i + 7] = limit.free, limit.notices, limit.till
	end
	return list
end

if mode == 'check' or #limits == 0 then
	return answer(0)
end
if token ~= '' then
	for _, name in ipairs(RECENT) do
		local chunk = fields[name] or ''
		local at = find(chunk, token, 1, true)
		while at and at % 4 ~= 1 do
			at = find(chunk, token, at + 1, true)
		end
		if at then
			return answer(2)
		end
	end
end

-- ---- counting -----------------------------------------------------------------------------------

local counted = (fits or mode == 'observe') and 1 or 0
local age = floor(math.max(0, tonumber(ARGV[3]) or 0) / STEP / 1000)

local function ring_add(ring, n)
	ring.day = ring.day + n
	ring.hour = age <= HOUR and ring.hour + n or ring.hour
	if ring.pieces and age == 0 then
		local count, others = pieces_split(ring.pieces)
		others = count and others or ring.pieces ~= '' and ' ' .. ring.pieces or ''
		ring.pieces, ring.list = string.format('%d', (count or 0) + n) .. others, false
		return
	end
	local list, i = ring.list or list_read(ring.pieces, 0), 1
	while list[i] and list[i] < age do
		i = i + 2
	end
	if list[i] ~= age then
		table.insert(list, i, 0)
		table.insert(list, i, age)
	end
	list[i + 1] = list[i + 1] + n
	ring.list, ring.pieces = list, false
end

-- Each notice once within the window; that of 100 % says all that the one of 80 % would.
local function notice(ring, used, limit, more, near, full, bit)
	if limit == 0 then
		return 0
	elseif used >= limit or used + more > limit then
		local first = not ring[full]
		ring[full], ring[near] = ring[full] or 0, ring[near] or 0
		return first and 2 * bit or 0
	elseif used * 5 >= limit * 4 and not ring[near] then
		ring[near] = 0
		return bit
	end
	return 0
end

for _, limit in ipairs(limits) do
	local ring = limit.ring
	if counted == 1 and limit.n > 0 and age <= DAY then
		ring_add(ring, limit.n)
	end
	ring.limit_hour, ring.limit_day = limit.hour, limit.day
	local more = counted == 1 and 0 or limit.n
	limit.notices = notice(ring, ring.hour, limit.hour, more, 'p', 'q', 1) + notice(ring, ring.day, limit.day, more, 'r', 's', 4)
end

-- ---- writing ------------------------------------------------------------------------------------

local MARKS = { 'p', 'q', 'r', 's' }

-- Makes fewer pieces behind the hour: those of one hour become one, else those two neighbours that hold the least.
-- False: there are none to join.
local function list_join(list)
	local best, held, joined
	local function join(i)
		list[i + 1] = list[i + 1] + list[i + 3]
		table.remove(list, i + 2)
		table.remove(list, i + 2)
		return true
	end
	for i = #list - 3, 1, -2 do
		if list[i] <= HOUR then
			break
		elseif floor((step - list[i]) / 6) == floor((step - list[i + 2]) / 6) then
			joined = join(i)
		elseif not best or list[i + 1] + list[i + 3] < held then
			best, held = i, list[i + 1] + list[i + 3]
		end
	end
	return joined or best and join(best)
end

local function list_text(list)
	local parts = {}
	for i = 1, #list, 2 do
		parts[#parts + 1] = list[i] == 0 and list[i + 1] or string.format('%d:%d', list[i], list[i + 1])
	end
	return table.concat(parts, ' ')
end

-- Far from its limits a value is kept short; from half of one on it says what is used of what. "" = nothing is left.
local function ring_text(ring)
	local head, hour, day = '', tonumber(ring.limit_hour) or 0, tonumber(ring.limit_day) or 0
	if (hour > 0 and ring.hour * 2 >= hour) or (day > 0 and ring.day * 2 >= day) then
		head = string.format('%d/%s %d/%s ', ring.hour, hour > 0 and hour or '-', ring.day, day > 0 and day or '-')
	end
	for _, mark in ipairs(MARKS) do
		head = ring[mark] and head .. string.format('%s:%d ', mark, ring[mark]) or head
	end
	ring.pieces = ring.pieces or list_text(ring.list)
	while #head + #ring.pieces > ROOM do
		ring.list = ring.list or list_read(ring.pieces, 0)
		if not list_join(ring.list) then
			break
		end
		ring.pieces = list_text(ring.list)
	end
	return ring.pieces ~= '' and head .. ring.pieces or ''
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

local function state_text()
	for _, limit in ipairs(limits) do
		if not fits and limit.free == free then
			local till = free > 0 and ' until ' .. time_text(free / 1000) or ''
			return 'over ' .. cut(limit.name, 1, ROOM - 5 - #till) .. till
		elseif limit.ring.p or limit.ring.r then
			return cut('near ' .. limit.name, 1, ROOM)
		end
	end
	return ''
end

local set, gone = {}, {}
local function put(name, value)
	if value == '' then
		gone[#gone + 1] = fields[name] and name or nil
	elseif fields[name] ~= value then
		set[#set + 1] = name
		set[#set + 1] = value
	end
end

if floor(now / 60000) ~= minute then
	put('last_text', time_text(now / 1000))
end
put('state', state_text())
if not fits then
	put('refused', string.format('%d 0 %d', refused + 1, refused_first or 0))
elseif refused_last then
	put('refused', string.format('%d %d %d', refused, refused_last, refused_first))
elseif refused > 0 then
	put('refused', string.format('%d', refused))
end
if counted == 1 and token ~= '' then
	local recent = fields.recent or ''
	if #recent + 4 > TOKENS then
		put('recent_3', fields.recent_2 or '')
		put('recent_2', fields.recent_1 or '')
		put('recent_1', recent)
		recent = ''
	end
	put('recent', recent .. token)
end
if shift > 0 then
	for name, value in pairs(fields) do
		if not OWN[name] and not rings[name] then
			put(name, ring_text(ring_read(value)))
		end
	end
end
for name, ring in pairs(rings) do
	put(name, ring_text(ring))
end
if #set > 0 then
	redis.call('HSET', key, unpack(set))
end
if #gone > 0 then
	redis.call('HDEL', key, unpack(gone))
end
redis.call('EXPIRE', key, KEPT)
return answer(counted)
