-- How a provider takes mail from one of our addresses: green, yellow (it warns), red (it blocks), half open (a few probes).
--
-- KEYS  1 leu:weather:{PROVIDER}:ADDRESS  hash, see KEYS
-- ARGV  1 mode: look   says it, writes nothing
--               event  the provider has answered
--               probe  may this message be one of the few? Takes one of them
--               reset  an admin knows better: green
--       2 token of 4 characters: what was told with one of the last 64 is not counted again, and a message that is tried
--         again stays the probe that it was; "" = none
--       3 when it happened, ms since 1970; "" = now     4 now, ms since 1970, for tests; "" = the server's clock
--       5 ms that the first block closes; each further one doubles it   6 at most
--       7 ms without a block that take one doubling away
--       8 probes while half open, and how many deliveries end it        9 ms after which as many more may go
--       10 ms of yellow after that, before it is green                  11 ms of yellow after a warning
--       12 unknown recipients in an hour that make it yellow            13 the same in a day
--       14 percent of the answers of an hour that are unknown recipients and make it yellow   15 from so many answers on
--         (12, 13, 14: 0 = never)
--       16 kind: delivered, unknown, warning, block; with event only    17 how many   18 what was said
-- Returns a list: state (0 green, 1 yellow, 2 red, 3 half open), changed (1: another state than was stored, or entered anew),
--       done (of event 1, or 2 when its token was known; of probe 1, or 0 when it may not go), now in ms, since when and
--       until when in ms (0 = open end), blocks in a row, delivered in the hour, unknown in the hour, delivered in the
--       day, unknown in the day, what was said.
--
--   green  -- warning, too many unknown --> yellow   -- time -->                 green
--   green, yellow, half open -- block -->   red      -- time -->                 half open
--   half open  -- as many deliveries as probes -->   yellow -- time -->          green
--   half open  -- warning -->               red, as long as before
--
-- What a provider answered before a state was left for a better one is old news and only counted. An hour is pieces of 30
-- minutes, a day pieces of 8 hours; both are up to one piece longer than they say, never shorter. Deliveries alone make no
-- key: where nothing ever went wrong nothing is kept.

local DAY = 86400
local KEPT_GREEN, KEPT = 33 * 3600, 8 * DAY
local TOKENS, ROOM, MOST = 64, 60, 1e9
local STATES = { green = 0, yellow = 1, red = 2, half_open = 3 }
local KINDS = { delivered = true, unknown = true, warning = true, block = true }
local RINGS = { sent_hour = 1800, unknown_hour = 1800, sent_day = 28800, unknown_day = 28800 }
local PIECES = { [1800] = 3, [28800] = 4 }
local RECENT = { 'recent', 'recent_1', 'recent_2', 'recent_3' }

local key, mode, token, kind = KEYS[1], ARGV[1], ARGV[2], ARGV[16]
local floor, find, max, min, format = math.floor, string.find, math.max, math.min, string.format

-- ---- what is asked ------------------------------------------------------------------------------

local function whole(text, least, most)
	local number = text and #text < 16 and find(text, '^%d+$') and text + 0
	return number and number >= least and number <= most and number
end

if mode ~= 'look' and mode ~= 'event' and mode ~= 'probe' and mode ~= 'reset' then
	return redis.error_reply('ERR no such mode')
elseif #ARGV ~= 18 then
	return redis.error_reply('ERR 18 arguments')
elseif #token ~= 0 and #token ~= 4 then
	return redis.error_reply('ERR a token has 4 characters')
elseif (ARGV[3] ~= '' and not whole(ARGV[3], 0, 1e14)) or (ARGV[4] ~= '' and not whole(ARGV[4], 0, 1e14)) then
	return redis.error_reply('ERR a time is ms since 1970')
elseif mode == 'event' and not KINDS[kind] then
	return redis.error_reply('ERR no such kind of event')
end
local times = {}
for i = 5, 15 do
	local span = i <= 7 or i >= 9 and i <= 11
	local number = whole(ARGV[i], i == 8 and 1 or span and 1000 or 0, span and 7 * DAY * 1000 or i == 14 and 100 or MOST)
	if not number then
		return redis.error_reply(span and 'ERR times are whole ms, from 1 s to 7 days' or 'ERR numbers are whole; percent')
	end
	times[i] = span and floor(number / 1000) or number
end
local open, open_most, quiet, probes_most, probe_wait, ramp, warn = times[5], times[6], times[7], times[8], times[9],
	times[10], times[11]
local n = whole(ARGV[17], 0, MOST)
if not n or n == 0 and mode == 'event' then
	return redis.error_reply('ERR how many is a whole number')
end

local now_ms = tonumber(ARGV[4])
if not now_ms then
	local time = redis.call('TIME')
	now_ms = time[1] * 1000 + floor(time[2] / 1000)
end
local now = floor(now_ms / 1000)
local at = min(now, floor((tonumber(ARGV[3]) or now_ms) / 1000))

-- ---- what is known ------------------------------------------------------------------------------

local known, there = {}, false
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
	known[all[i]], there = all[i + 1], true
end
if not there and (mode ~= 'event' or kind == 'delivered') then -- as it nearly always is
	return { 0, 0, mode == 'event' and 1 or 0, now_ms, 0, 0, 0, 0, 0, 0, 0, '' }
end
local function number(name)
	local value = tonumber(known[name])
	return value and value >= 0 and value < 1e15 and value or 0
end
local state = STATES[known.state] and known.state or 'green'
local since, till, opens, healed, calm = number('since'), number('until'), number('opens'), number('healed'), number('calm')
local probes, passed, round = number('probes'), number('passed'), number('round')
local reason, held = known.reason or '', known.held or ''

-- The last piece of the day and of the hour that was written to; a clock that steps back does not move it.
local base = max(now, number('last'))
local function ring_read(name)
	local length, list, i = RINGS[name], {}, 0
	for count in string.gmatch(known[name] or '', '%d+') do
		local age = i + floor(base / length) - floor(number('last') / length)
		i = i + 1
		if age < PIECES[length] then
			list[age + 1] = min(tonumber(count), MOST)
		end
	end
	local sum = 0
	for piece = 1, PIECES[length] do
		list[piece] = list[piece] or 0
		sum = sum + list[piece]
	end
	return list, sum
end
local rings, sums = {}, {}
for name in pairs(RINGS) do
	rings[name], sums[name] = ring_read(name)
end

-- ---- states -------------------------------------------------------------------------------------

local function enter(name, from, to)
	state, since, till = name, from, to
end

-- What time alone has changed.
local function settle()
	if state == 'red' and now >= till then
		healed = max(healed, till)
		enter('half_open', till, 0)
		probes, passed, round, held = 0, 0, till, ''
	elseif state == 'yellow' and now >= till then
		enter('green', till, 0)
		reason = ''
	end
end

local function blocks_in_a_row(time)
	return max(0, opens - max(0, floor((time - calm) / quiet)))
end

-- 2^k without its growing beyond any number
local function close(k)
	local span = open
	for _ = 1, min(k, 40) do
		span = min(open_most, span * 2)
	end
	opens = min(k + 1, 40)
	enter('red', at, at + min(open_most, span))
	calm = till
end

local function is_over()
	local unknown, answers = sums.unknown_hour, sums.sent_hour + sums.unknown_hour
	return (times[12] > 0 and unknown >= times[12]) or (times[13] > 0 and sums.unknown_day >= times[13])
		or (times[14] > 0 and answers >= times[15] and unknown * 100 >= times[14] * answers)
end

local function warned(words)
	if at + warn <= now then
		return
	elseif state == 'green' then
		enter('yellow', at, at + warn)
	else
		till = max(till, at + warn)
	end
	reason = words
end

local said = string.gsub(string.sub(ARGV[18], 1, ROOM), '[^ -~]', '?')
local is_news
local on = {
	delivered = function()
		if state == 'half_open' and is_news then
			passed = passed + n
			if passed >= probes_most then
				healed = at
				enter('yellow', at, at + ramp)
				reason = 'probes passed'
			end
		end
	end,
	unknown = function()
		if (state == 'green' or state == 'yellow') and is_over() then
			warned(format('unknown recipients: %d of %d in an hour, %d in a day', sums.unknown_hour,
				sums.sent_hour + sums.unknown_hour, sums.unknown_day))
		end
	end,
	warning = function()
		if state == 'half_open' and is_news then
			close(max(0, blocks_in_a_row(at) - 1))
			reason = said
		elseif state == 'green' or state == 'yellow' then
			warned(said)
		end
	end,
	block = function()
		if state ~= 'red' and is_news then
			close(blocks_in_a_row(at))
			reason = said
		end
	end,
}

-- ---- answering ----------------------------------------------------------------------------------

settle()
is_news = at >= healed
local function answer(done)
	local changed = mode ~= 'look' and (state ~= (STATES[known.state] and known.state or 'green')
		or state ~= 'green' and since ~= number('since'))
	return { STATES[state], changed and 1 or 0, done, now_ms, since * 1000, till * 1000, blocks_in_a_row(now), sums.sent_hour,
		sums.unknown_hour, sums.sent_day, sums.unknown_day, reason }
end

local function has_token(list)
	local from = token ~= '' and find(list, token, 1, true)
	while from and from % 4 ~= 1 do
		from = find(list, token, from + 1, true)
	end
	return from
end

if mode == 'look' then
	return answer(0)
elseif mode == 'reset' then
	redis.call('EXPIRE', key, 0)
	state, since, till, opens, reason = 'green', 0, 0, 0, ''
	return answer(1)
elseif mode == 'event' then
	for _, name in ipairs(RECENT) do
		if has_token(known[name] or '') then
			return answer(2)
		end
	end
elseif state ~= 'half_open' then
	return answer(0)
end

-- ---- writing ------------------------------------------------------------------------------------

local function time_text(seconds)
	local days = floor(seconds / DAY) + 719468
	local era = floor(days / 146097)
	local doe = days - era * 146097
	local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
	local mp = floor((5 * doy + 2) / 153)
	local month = mp < 10 and mp + 3 or mp - 9
	return format('%d-%02d-%02d %02d:%02d UTC', yoe + era * 400 + (month <= 2 and 1 or 0), month,
		doy - floor((153 * mp + 2) / 5) + 1, floor(seconds / 3600) % 24, floor(seconds / 60) % 60)
end

local set = {}
local function put(name, value)
	value = type(value) == 'number' and format('%.0f', value) or value
	if value ~= (known[name] or '') then
		set[#set + 1] = name
		set[#set + 1] = value
	end
end

local function count(name)
	local age = floor(base / RINGS[name]) - floor(at / RINGS[name])
	if age < PIECES[RINGS[name]] then
		rings[name][age + 1] = rings[name][age + 1] + n
		sums[name] = sums[name] + n
	end
end

local done = 1
if mode == 'probe' then
	if not has_token(held) then
		if probes >= probes_most and now - round >= probe_wait then
			probes, round = 0, now
		end
		done = probes < probes_most and 1 or 0
		if done == 1 then
			round = probes == 0 and now or round
			probes = probes + 1
			held = string.sub(held .. token, -TOKENS)
		end
	end
else
	if kind == 'delivered' or kind == 'unknown' then
		count((kind == 'unknown' and kind or 'sent') .. '_hour')
		count((kind == 'unknown' and kind or 'sent') .. '_day')
	end
	on[kind]()
	settle() -- what was told late may be over already
	if token ~= '' then
		local recent = known.recent or ''
		if #recent + 4 > TOKENS then
			put('recent_3', known.recent_2 or '')
			put('recent_2', known.recent_1 or '')
			put('recent_1', recent)
			recent = ''
		end
		put('recent', recent .. token)
	end
end

put('state', state)
if number('since') ~= since or not there then
	put('since', since)
	put('since_text', since > 0 and time_text(since) or '')
end
if number('until') ~= till then
	put('until', till)
	put('until_text', till > 0 and time_text(till) or '')
end
put('reason', reason)
if there or opens > 0 then
	put('opens', opens)
	put('healed', healed)
	put('calm', calm)
end
if state == 'half_open' or known.round then
	put('probes', probes)
	put('passed', passed)
	put('round', round)
	put('held', held)
end
put('last', floor(base / 1800) * 1800)
for name in pairs(RINGS) do
	put(name, table.concat(rings[name], ' '))
end
if #set > 0 then
	redis.call('HSET', key, unpack(set))
end
local is_calm = state == 'green' and blocks_in_a_row(now) == 0
redis.call('EXPIRE', key, is_calm and KEPT_GREEN or max(KEPT, till - now + DAY))
return answer(done)
