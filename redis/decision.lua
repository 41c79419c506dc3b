-- One decision: into the account's history and, if a rule objected, into its refusal counter.
--
-- KEYS  1 leu:hist:{ACCOUNT}     stream of decisions, one field "e"
--       2 leu:refused:{ACCOUNT}  hash RULE.ACTION -> count, last_text; touched only if ARGV[6] is set
-- ARGV  1 time of the decision, ms since 1970     2 chance of its id, a whole number
--       3 text of field e, "ID what was decided"  4 seconds that history is kept
--       5 entries that history holds, about       6 RULE.ACTION, "" when nothing objected
--       7 last_text: a readable time (UTC) and what
-- Returns 1 written, 0 was there already, -1 older than history is kept; or the server's error.
--
-- May be sent again at will: the entry's id is the decision's own time and chance, and a stream
-- takes no id at or below its last one. Such an id is either the same decision once more (then its
-- text stands at or after that place) or one that was overtaken, by another server or by a faster
-- thread; that one is appended right behind the last entry.

local FIELDS = 64              -- of a refusal hash; more rules than that are counted as "other"
local REFUSED_KEPT = 30 * 86400
local LOOK = 200               -- entries searched for a late duplicate: more than one client has under way

local hist, refused = KEYS[1], KEYS[2]
local ms, chance, entry = ARGV[1], ARGV[2], ARGV[3]
local keep, max, field = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]

local cut = (tonumber(redis.call('TIME')[1]) - keep) * 1000
if tonumber(ms) < cut then
	return -1
end

local function append(id)
	return redis.pcall('XADD', hist, 'MAXLEN', '~', max, id, 'e', entry)
end

local function failed(reply)
	return type(reply) == 'table' and reply.err ~= nil
end

local function behind_last()
	local last = redis.call('XREVRANGE', hist, '+', '-', 'COUNT', 1)[1]
	if not last then
		return nil
	end
	local last_ms, last_chance = string.match(last[1], '^(%d+)-(%d+)$')
	last_ms, last_chance = tonumber(last_ms), tonumber(last_chance)
	local before = last_ms < tonumber(ms) or (last_ms == tonumber(ms) and last_chance < tonumber(chance))
	return not before and string.format('%.0f-%.0f', last_ms, last_chance + 1) or nil
end

local done = append(ms .. '-' .. chance)
if failed(done) then
	local id = behind_last()
	if not id then
		return done
	end
	for _, old in ipairs(redis.call('XRANGE', hist, ms .. '-' .. chance, '+', 'COUNT', LOOK)) do
		if old[2][2] == entry then
			return 0
		end
	end
	done = append(id)
	if failed(done) then
		return done
	end
end
redis.pcall('XTRIM', hist, 'MINID', '=', string.format('%.0f', cut)) -- Redis 6.0 does not know MINID: MAXLEN and EXPIRE stay
redis.call('EXPIRE', hist, keep)

if field ~= '' then
	if redis.call('HLEN', refused) > FIELDS and redis.call('HEXISTS', refused, field) == 0 then
		field = 'other'
	end
	redis.call('HINCRBY', refused, field, 1)
	redis.call('HSET', refused, 'last_text', ARGV[7])
	redis.call('EXPIRE', refused, REFUSED_KEPT)
end
return 1
