-- The secret that all servers share: it makes the fingerprints of strangers' addresses. Whoever comes first sets it.
--
-- KEYS  1 leu:meta  hash
-- ARGV  1 32 hexadecimal digits of chance: the secret if there is none yet
-- Returns the secret that is in force.

if not string.match(ARGV[1], '^%x+$') or #ARGV[1] ~= 32 then
	return redis.error_reply('ERR a secret is 32 hexadecimal digits')
end
local secret = redis.call('HGET', KEYS[1], 'secret')
if not secret then
	redis.call('HSET', KEYS[1], 'secret', ARGV[1])
	secret = ARGV[1]
end
return secret
