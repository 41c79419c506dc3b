-- Which host receives a domain's mail, as whichever server asked the DNS last has found.
--
-- KEYS  1 leu:provider:{DOMAIN}  hash
-- ARGV  none, or what shall be kept:
--       1 seconds that it holds
--       2 the most preferred MX; "." = it takes no mail (RFC 7505), "" = it has no MX
-- Returns the seconds left and the MX; an empty list when it is not known. Doing it twice is the same.

local LONGEST = 253 -- of a name, RFC 1035

local key, seconds, mx = KEYS[1], tonumber(ARGV[1]), ARGV[2]

if #ARGV > 0 then
	if #ARGV ~= 2 or not seconds or seconds < 1 or seconds > 604800 or #mx > LONGEST then
		return redis.error_reply('ERR seconds, up to a week, and a name')
	end
	redis.call('HSET', key, 'mx', mx)
	redis.call('EXPIRE', key, math.floor(seconds))
	return { math.floor(seconds), mx }
end
mx = redis.call('HGET', key, 'mx')
seconds = redis.call('TTL', key)
if not mx or seconds < 1 then
	return {}
end
return { seconds, mx }
