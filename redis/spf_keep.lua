-- What other servers make of a domain's mail: its results for some of our addresses, as the DNS has them now.
--
-- KEYS  1 leu:spf:{DOMAIN}  hash
-- ARGV  1 seconds that it holds      2 dmarc: "reject strict", "quarantine relaxed", "none"
--       3 problem, "" = none         4 "yes": each mailbox may have results of its own
--       5 what its record includes of ours, "" = nothing
--       6 its record, shortened      7 look-ups when every term is met
--       8 address   9 its result     and so on, in pairs
-- Returns 1. Doing it twice is the same.

local FIELDS = 600 -- addresses of a platform with 200 servers and some more

local key, seconds = KEYS[1], tonumber(ARGV[1])
local now = tonumber(redis.call('TIME')[1])
local names = { 'dmarc', 'problem', 'by_mailbox', 'includes', 'record', 'lookups' }

if not seconds or seconds < 1 or #ARGV < 9 or #ARGV % 2 == 0 then
	return redis.error_reply('ERR seconds, six facts, and pairs of address and result')
end
if redis.call('HLEN', key) > FIELDS then
	redis.call('DEL', key)
end
for i, name in ipairs(names) do
	if ARGV[i + 1] == '' then
		redis.call('HDEL', key, name)
	else
		redis.call('HSET', key, name, ARGV[i + 1])
	end
end
for i = 8, #ARGV, 2 do
	redis.call('HSET', key, ARGV[i], string.format('%s until %.0f', ARGV[i + 1], now + seconds))
end
if seconds > redis.call('TTL', key) then
	redis.call('EXPIRE', key, seconds)
end
return 1
