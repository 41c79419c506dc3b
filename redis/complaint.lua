-- Who has complained about the mail of an account: he gets no more of its newsletters. A recipient is a fingerprint of 32 bits.
--
-- KEYS  1 leu:complaint:{ACCOUNT}  set, see KEYS
-- ARGV  1 mode: look  says which have complained, writes nothing
--               add   they have; adding twice is the same as once
--               drop  they have not
--       2 for how long it is remembered, ms: from the account's latest complaint on
--       then 1 to 64 fingerprints, whole numbers from -2^31 to 2^31 - 1
-- Returns a list: for each fingerprint 1 (had complained before this call) or 0.
--
-- A set of whole numbers takes 4 bytes each as long as it holds at most 512 (Redis' default). Of an account with more
-- complaints than that some are forgotten, by chance.

local MOST = 510

local key, mode = KEYS[1], ARGV[1]
local keep = tonumber(ARGV[2])

if mode ~= 'look' and mode ~= 'add' and mode ~= 'drop' then
	return redis.error_reply('ERR no such mode')
elseif not keep or not (keep >= 60000 and keep <= 1000 * 86400000) then
	return redis.error_reply('ERR remembered for a minute to 1000 days')
elseif #ARGV < 3 or #ARGV > 66 then
	return redis.error_reply('ERR 1 to 64 fingerprints')
end
for i = 3, #ARGV do
	local print = tonumber(ARGV[i])
	if not print or math.floor(print) ~= print or print < -2147483648 or print > 2147483647 then
		return redis.error_reply('ERR a fingerprint is a whole number of 32 bits')
	end
end

local answer = {}
for i = 3, #ARGV do
	if mode == 'look' then
		answer[i - 2] = redis.call('SISMEMBER', key, ARGV[i])
	elseif mode == 'drop' then
		answer[i - 2] = redis.call('SREM', key, ARGV[i])
	else
		local new = redis.call('SADD', key, ARGV[i])
		if new == 1 and redis.call('SCARD', key) > MOST then
			redis.call('SPOP', key)
		end
		answer[i - 2] = 1 - new
	end
end
if mode == 'add' then
	redis.call('EXPIRE', key, math.floor(keep / 1000))
end
return answer
