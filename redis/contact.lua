-- First contact: to whom an account has written this month and the last. A recipient is a fingerprint of 32 bits. And
-- how many new ones it has on its usual day, for each kind of mail.
--
-- KEYS  1 leu:seen:{ACCOUNT}  hash, see KEYS; the sets lie beside it: leu:seen:{ACCOUNT}:YYYY-MM and, from the second
--       on, :YYYY-MM:NUMBER. Which of them are touched is known here only, so they are no KEYS; the slot is the same.
-- ARGV  1 mode: look  says which are new
--               add   says it too, and adds all to this month
--       2 when, ms since 1970: a contact learnt from a log belongs to the month in which it was; "" = the server's clock
--       3 the kind of mail, "" = none; add counts those that are new as today's of this kind
--       then 1 to 64 fingerprints, whole numbers from -2^31 to 2^31 - 1
-- Returns a list: how many were new on the account's usual day, before today (0 without a kind), then for each
--       fingerprint 1 (new) or 0 (known, or the same as one before it).
--
-- The usual day is the mean of the days, young ones weighing more; milters/signup/policy.c, signup_usual(), says why a
-- day counts as at most twice the usual and four more. What is learnt of a day before the last counted one is not counted.
--
-- Adding twice is the same as once. A set of whole numbers takes 4 bytes each as long as it holds at most 512 (Redis'
-- default); so a set that grows beyond FULL makes one set in turn split in two (linear hashing): no call moves more than
-- one set, and where a fingerprint lies follows from the number of sets alone.

local FULL, MOST = 400, 510 -- in a set
local KINDS = 8             -- of an account; any further one has no usual day
local SETS = 4096           -- of a month: about 1.2 million recipients; what comes then is not kept, and stays new

local key, mode, kind = KEYS[1], ARGV[1], ARGV[3]
local floor = math.floor

if mode ~= 'look' and mode ~= 'add' then
	return redis.error_reply('ERR no such mode')
elseif #ARGV < 4 or #ARGV > 67 then
	return redis.error_reply('ERR 1 to 64 fingerprints')
elseif kind ~= '' and (#kind > 16 or not string.find(kind, '^%l+$')) then
	return redis.error_reply('ERR a kind is up to 16 small letters')
end
for i = 4, #ARGV do
	local print = tonumber(ARGV[i])
	if not print or floor(print) ~= print or print < -2147483648 or print > 2147483647 then
		return redis.error_reply('ERR a fingerprint is a whole number of 32 bits')
	end
end

-- ---- months -------------------------------------------------------------------------------------

local now = floor((tonumber(ARGV[2]) or redis.call('TIME')[1] * 1000) / 1000)
local today = floor(now / 86400)

-- Months since the year 0; years begin in March here, so that leap days stand last.
local days = today + 719468
local era = floor(days / 146097)
local doe = days - era * 146097
local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
local mp = floor((5 * doy + 2) / 153)
local month = (yoe + era * 400) * 12 + mp + 2

local function month_text(number)
	return string.format('%04d-%02d', floor(number / 12), number % 12 + 1)
end

local this = { text = month_text(month) }
local last = { text = month_text(month - 1) }
local fields = redis.call('HMGET', key, this.text, last.text, kind)
this.sets, last.sets = tonumber(fields[1]) or 1, tonumber(fields[2]) or 1

-- The longest that a set of this month can be of use: to the end of the next.
local KEPT = 62 * 86400

-- ---- sets ---------------------------------------------------------------------------------------

local function set_key(of, number)
	return key .. ':' .. of.text .. (number > 0 and ':' .. number or '')
end

local function set_of(of, print)
	local half = 1
	while half * 2 <= of.sets do
		half = half * 2
	end
	local number = print % (half * 2)
	return set_key(of, number < of.sets and number or number % half), half
end

-- One more set, with half of the one whose turn it is.
local function split(of, half)
	local from, to, moved = set_key(of, of.sets - half), set_key(of, of.sets), {}
	for _, print in ipairs(redis.call('SMEMBERS', from)) do
		if print % (half * 2) == of.sets then
			moved[#moved + 1] = print
		end
	end
	if #moved > 0 then
		redis.call('SADD', to, unpack(moved))
		redis.call('EXPIRE', to, KEPT)
		redis.call('SREM', from, unpack(moved))
	end
	of.sets = of.sets + 1
	redis.call('HSET', key, of.text, of.sets)
	redis.call('EXPIRE', key, KEPT)
end

-- Says whether it was not there.
local function add(of, print)
	local set, half = set_of(of, print)
	if redis.call('SADD', set, print) == 0 then
		return false
	end
	local held = redis.call('SCARD', set)
	if held == 1 then
		redis.call('EXPIRE', set, KEPT)
	elseif held > MOST then
		redis.call('SREM', set, print)
	elseif held > FULL and of.sets < SETS then
		split(of, half)
	end
	return true
end

-- ---- the usual day ------------------------------------------------------------------------------

-- "COUNT on YYYY-MM-DD, usual NUMBER", in 256ths while it is worked with, so that small ones are not lost.
local function usual_read(text)
	local count, year, number, day, mean = string.match(text, '^(%d+) on (%d+)-(%d+)-(%d+), usual ([%d.]+)$')
	if not count then
		return { day = today, count = 0, mean = 0 }
	end
	year = number - 2 <= 0 and year - 1 or year + 0
	return { count = tonumber(count), mean = floor(mean * 256 + 0.5), day = floor((153 * ((number + 9) % 12) + 2) / 5) + day
		+ 365 * year + floor(year / 4) - floor(year / 100) + floor(year / 400) - 719469 }
end

-- Up to today; of days without any only so many that nothing is left.
local function usual_turn(usual)
	for _ = 1, math.min(today - usual.day, 62) do
		local change = (math.min(usual.count * 256, (usual.mean + 512) * 2) - usual.mean) / 8
		usual.mean = usual.mean + (change < 0 and math.ceil(change) or floor(change))
		usual.count = 0
	end
	usual.day = math.max(today, usual.day)
end

local usual = usual_read(fields[3] or '')
usual_turn(usual)

local function usual_add(count)
	if usual.day > today or not fields[3] and redis.call('HLEN', key) >= KINDS + 3 then
		return
	end
	redis.call('HSET', key, kind, string.format('%d on %s-%02d, usual %.3f', usual.count + count, this.text,
		doy - floor((153 * mp + 2) / 5) + 1, usual.mean / 256))
	redis.call('EXPIRE', key, KEPT)
end

-- ---- each ---------------------------------------------------------------------------------------

local answer, before, count = { floor(usual.mean / 256) }, {}, 0
for i = 4, #ARGV do
	local print = ARGV[i]
	local new = not before[print]
	before[print] = true
	if new and mode == 'add' then
		new = add(this, print)
	elseif new then
		new = redis.call('SISMEMBER', (set_of(this, print)), print) == 0
	end
	if new then
		new = redis.call('SISMEMBER', (set_of(last, print)), print) == 0
	end
	answer[i - 2] = new and 1 or 0
	count = count + answer[i - 2]
end
if mode == 'add' and kind ~= '' and count > 0 then
	usual_add(count)
end
return answer
