-- First contact: to whom an account has written this month and the last. A recipient is a fingerprint of 32 bits.
--
-- KEYS  1 leu:seen:{ACCOUNT}  hash, see KEYS; the sets lie beside it: leu:seen:{ACCOUNT}:YYYY-MM and, from the second
--       on, :YYYY-MM:NUMBER. Which of them are touched is known here only, so they are no KEYS; the slot is the same.
-- ARGV  1 mode: look  says which are new
--               add   says it too, and adds all to this month
--       2 when, ms since 1970: a contact learnt from a log belongs to the month in which it was; "" = the server's clock
--       then 1 to 64 fingerprints, whole numbers from -2^31 to 2^31 - 1
-- Returns a list: for each fingerprint 1 (new) or 0 (known, or the same as one before it).
--
-- Adding twice is the same as once. A set of whole numbers takes 4 bytes each as long as it holds at most 512 (Redis'
-- default); so a set that grows beyond FULL makes one set in turn split in two (linear hashing): no call moves more than
-- one set, and where a fingerprint lies follows from the number of sets alone.

local FULL, MOST = 400, 510 -- in a set
local SETS = 4096           -- of a month: about 1.2 million recipients; what comes then is not kept, and stays new

local key, mode = KEYS[1], ARGV[1]
local floor = math.floor

if mode ~= 'look' and mode ~= 'add' then
	return redis.error_reply('ERR no such mode')
elseif #ARGV < 3 or #ARGV > 66 then
	return redis.error_reply('ERR 1 to 64 fingerprints')
end
for i = 3, #ARGV do
	local print = tonumber(ARGV[i])
	if not print or floor(print) ~= print or print < -2147483648 or print > 2147483647 then
		return redis.error_reply('ERR a fingerprint is a whole number of 32 bits')
	end
end

-- ---- months -------------------------------------------------------------------------------------

local now = floor((tonumber(ARGV[2]) or redis.call('TIME')[1] * 1000) / 1000)

-- Months since the year 0; years begin in March here, so that leap days stand last.
local days = floor(now / 86400) + 719468
local era = floor(days / 146097)
local doe = days - era * 146097
local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
local mp = floor((5 * (doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))) + 2) / 153)
local month = (yoe + era * 400) * 12 + mp + 2

local function month_text(number)
	return string.format('%04d-%02d', floor(number / 12), number % 12 + 1)
end

local this = { text = month_text(month) }
local last = { text = month_text(month - 1) }
local sets = redis.call('HMGET', key, this.text, last.text)
this.sets, last.sets = tonumber(sets[1]) or 1, tonumber(sets[2]) or 1

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

-- ---- each ---------------------------------------------------------------------------------------

local answer, before = {}, {}
for i = 3, #ARGV do
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
end
return answer
