-- What is known of a domain's mail from these addresses, by whichever server asked the DNS last.
--
-- KEYS  1 leu:spf:{DOMAIN}  hash, see spf_keep.lua
-- ARGV  1 address   2 address   and so on
-- Returns seconds left, dmarc, problem, by_mailbox, includes, and the result of each address; an empty list when one of
-- them is not known, or not any more.

local key = KEYS[1]
local now = tonumber(redis.call('TIME')[1])
local facts = redis.call('HMGET', key, 'dmarc', 'problem', 'by_mailbox', 'includes')
local found, left = { 0, facts[1] or '', facts[2] or '', facts[3] or '', facts[4] or '' }, nil

for i, value in ipairs(redis.call('HMGET', key, unpack(ARGV))) do
	local result, till = string.match(value or '', '^(%l+) until (%d+)$')
	till = tonumber(till)
	if not till or till <= now then
		return {}
	end
	found[5 + i] = result
	left = math.min(left or till - now, till - now)
end
found[1] = left
return found
