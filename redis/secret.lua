-- The secret that all servers share: it makes the fingerprints of strangers' addresses. Whoever comes first sets it.
--
-- KEYS  1 leu:meta  hash
-- ARGV  1 32 hexadecimal digits of chance: the secret if there is none yet
--       2 by how many ms the time in which limits are counted is ahead of the server's clock; "" = the caller has not
--         seen it yet, and has to go by what the others say
-- Returns the secret that is in force, since when contacts are learnt with it, ms since 1970, and what stands for 2.

if not string.match(ARGV[1], '^%x+$') or #ARGV[1] ~= 32 then
	return redis.error_reply('ERR a secret is 32 hexadecimal digits')
end
local found = redis.call('HMGET', KEYS[1], 'secret', 'since', 'clock_ms')
local secret, since = found[1] or ARGV[1], found[1] and tonumber(found[2])
if not since then
	local time = redis.call('TIME')
	since = time[1] * 1000 + math.floor(time[2] / 1000)
	redis.call('HSET', KEYS[1], 'secret', secret, 'since', string.format('%.0f', since))
end
local ahead, known = tonumber(ARGV[2]), tonumber(found[3]) or 0
if ahead and math.abs(ahead - known) > 60000 then
	redis.call('HSET', KEYS[1], 'clock_ms', string.format('%.0f', ahead))
	known = ahead
end
return { secret, since, known }
