-- A mailbox that its provider says does not exist: so many attempts, on so many days, so far apart, then no more.
--
-- KEYS  1 leu:dead:{ADDRESS}  hash, see KEYS
-- ARGV  1 mode: look     says what is known, writes nothing
--               reserve  takes the attempt that is due, for one message
--               fail     the provider has said it, perhaps again
--               refuse   a message was refused because of it
--               clear    the mailbox is there: a delivery, or an admin
--       2 token of 4 characters: what was told with one of the last 16 is not counted again, and a message that is tried
--         again keeps the attempt that it took; "" = none
--       3 when it happened, ms since 1970: a delivery from before the latest answer clears nothing; "" = now, whatever was
--       4 now, ms since 1970, for tests; "" = the server's clock
--       5 attempts  6 on how many different days (UTC)  7 ms apart
--       8 ms that a dead mailbox is remembered  9 ms that one is watched
--       10 account, as keys hold it; "" = not known  11 who said it and what: "hotmail.com 550 5.5.0 ..."
-- Returns a list: state (0 nothing against it, 1 watched, 2 dead), done, now in ms, when the next attempt may be in ms
--       (0 = now, -1 = not as long as it is dead), attempts counted, first and last time it was said in ms, how long it is
--       remembered in ms, refused, who said it and what, accounts.
--       done: of reserve 1 (may go) or 0; of fail 3 (this made it dead), 1 (counted), 2 (its token was known), 0 (too soon
--       after the last, or older than what is known); of refuse 1, 2, 0; of clear 1 (there was something) or 0.
--
-- An answer counts when it is far enough from the last one that did; or when it follows an attempt that was reserved: that
-- one was far enough by this server's clock, and the clock of who tells it may be a little late (SKEW).

local ROOM = 60        -- bytes of a text: with a value above 64 the hash takes twice the memory
local SKEW = 600       -- s
local CLEARED = 86400  -- s that answers from before a clearance are known as such
local DAY = 86400
local MOST = 400 * DAY * 1000
local MODES = { look = true, reserve = true, fail = true, refuse = true, clear = true }

local key, mode, token = KEYS[1], ARGV[1], ARGV[2]
local floor, find, max, min = math.floor, string.find, math.max, math.min

-- ---- what is asked ------------------------------------------------------------------------------

local function whole(text, least, most)
	local number = text and #text < 16 and find(text, '^%d+$') and text + 0
	return number and number >= least and number <= most and number
end

if not MODES[mode] then
	return redis.error_reply('ERR no such mode')
elseif #ARGV ~= 11 then
	return redis.error_reply('ERR 11 arguments')
elseif #token ~= 0 and #token ~= 4 then
	return redis.error_reply('ERR a token has 4 characters')
elseif (ARGV[3] ~= '' and not whole(ARGV[3], 0, 1e14)) or (ARGV[4] ~= '' and not whole(ARGV[4], 0, 1e14)) then
	return redis.error_reply('ERR a time is ms since 1970')
end
local attempts, days = whole(ARGV[5], 1, 100), whole(ARGV[6], 1, 100)
local apart, keep, watch = whole(ARGV[7], 0, MOST), whole(ARGV[8], 60000, MOST), whole(ARGV[9], 60000, MOST)
if not attempts or not days or days > attempts then
	return redis.error_reply('ERR 1 to 100 attempts, on at most as many days')
elseif not apart or not keep or not watch then
	return redis.error_reply('ERR times are whole ms, of 400 days at most')
elseif find(ARGV[10], '[^a-z0-9.@_+%%-]') then
	return redis.error_reply('ERR an account is written as in keys')
end
apart, keep, watch = floor(apart / 1000), floor(keep / 1000), floor(watch / 1000)

local now_ms = tonumber(ARGV[4])
if not now_ms then
	local time = redis.call('TIME')
	now_ms = time[1] * 1000 + floor(time[2] / 1000)
end
local now = floor(now_ms / 1000)
local at = min(now, floor((tonumber(ARGV[3]) or now_ms) / 1000))

-- ---- what is known ------------------------------------------------------------------------------

local known = {}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
	known[all[i]] = all[i + 1]
end
local function number(name)
	local value = tonumber(known[name])
	return value and value >= 0 and value < 1e15 and value or 0
end
local tries, spread, counted, reserved = number('tries'), number('days'), number('counted'), number('reserved')
local state = known.state == 'dead' and 2 or known.state == 'watched' and 1 or 0

local function midnight(time)
	return (floor(time / DAY) + 1) * DAY
end

-- As long as the days that are still missing need each of the attempts that are left, the next must be on another day.
local function next_of(base)
	return days - spread >= attempts - tries and max(base + apart, midnight(base)) or base + apart
end

local function answer(done)
	local due = state == 1 and next_of(max(counted, reserved)) or 0
	local left = state == 0 and 0 or (counted + (state == 2 and keep or watch)) * 1000
	return { state, done, now_ms, state == 2 and -1 or due > now and due * 1000 or 0, tries, number('first') * 1000,
		counted * 1000, left, number('refused'), known.said or '', known.accounts or '' }
end

local function has_token(name)
	local list = known[name] or ''
	local from = token ~= '' and find(list, token, 1, true)
	while from and from % 4 ~= 1 do
		from = find(list, token, from + 1, true)
	end
	return from
end

if mode == 'look' or (state == 0 and mode == 'refuse') then
	return answer(0)
elseif state == 0 and mode == 'reserve' then
	return answer(1)
end

-- ---- writing ------------------------------------------------------------------------------------

local set = {}
local function put(name, value)
	value = type(value) == 'number' and string.format('%.0f', value) or value
	known[name] = value
	set[#set + 1] = name
	set[#set + 1] = value
end

local function put_token(name)
	if token ~= '' then
		put(name, string.sub((known[name] or '') .. token, -64))
	end
end

local function time_text(seconds)
	local count = floor(seconds / DAY) + 719468
	local era = floor(count / 146097)
	local doe = count - era * 146097
	local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
	local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
	local mp = floor((5 * doy + 2) / 153)
	local month = mp < 10 and mp + 3 or mp - 9
	return string.format('%d-%02d-%02d %02d:%02d UTC', yoe + era * 400 + (month <= 2 and 1 or 0), month,
		doy - floor((153 * mp + 2) / 5) + 1, floor(seconds / 3600) % 24, floor(seconds / 60) % 60)
end

local function put_account()
	local list, account = known.accounts or '', ARGV[10]
	if account ~= '' and not find(' ' .. list .. ' ', ' ' .. account .. ' ', 1, true) and #list + 1 + #account <= ROOM then
		put('accounts', list == '' and account or list .. ' ' .. account)
	end
end

local function write()
	redis.call('HSET', key, unpack(set))
	redis.call('EXPIRE', key, max(60, counted + (state == 2 and keep or watch) - now))
end

if mode == 'clear' then
	if state == 0 or (ARGV[3] ~= '' and at < counted) then
		return answer(0)
	end
	redis.call('EXPIRE', key, 0)
	redis.call('HSET', key, 'state', 'cleared', 'cleared', string.format('%.0f', at), 'last_text', time_text(at))
	redis.call('EXPIRE', key, CLEARED)
	local before = answer(1)
	before[1], before[4] = 0, 0
	return before
elseif mode == 'refuse' then
	if has_token('turned') then
		return answer(2)
	end
	put('refused', number('refused') + 1)
	put_token('turned')
	put_account()
	write()
	return answer(1)
elseif mode == 'reserve' then
	local due = next_of(max(counted, reserved))
	if state == 1 and token ~= '' and known.holder == token and reserved > counted and now < due then
		return answer(1)
	elseif state == 2 or now < due then
		return answer(0)
	end
	reserved = now
	put('reserved', now)
	put('holder', token)
	put('next_text', time_text(next_of(now)))
	write()
	return answer(1)
end

-- fail
local late = state == 0 and at <= number('cleared') and known.state == 'cleared'
if has_token('recent') then
	return answer(2)
elseif state == 2 or late or at + watch <= now then
	return answer(0)
end
local follows = state == 1 and reserved > counted and at >= reserved - SKEW
if state == 1 and not follows and at < next_of(counted) then
	return answer(0)
end
at = follows and max(at, reserved) or at
if state == 0 then
	if known.state then
		redis.call('EXPIRE', key, 0)
		known = {}
	end
	put('first', at)
	put('first_text', time_text(at))
end
spread = (state == 0 or floor(at / DAY) ~= floor(counted / DAY)) and spread + 1 or spread
tries, counted = tries + 1, at
state = tries >= attempts and spread >= days and 2 or 1
put('state', state == 2 and 'dead' or 'watched')
put('tries', tries)
put('days', spread)
put('counted', at)
put('last_text', time_text(at))
put('next_text', state == 2 and 'not before ' .. time_text(at + keep) or time_text(next_of(at)))
put('said', (string.gsub(string.sub(ARGV[11], 1, ROOM), '[^ -~]', '?')))
put_token('recent')
put_account()
write()
return answer(state == 2 and 3 or 1)
