/*
 * Pauses between tries (store/backoff.h).
 */
#include "store/backoff.h"

void backoff_init(struct backoff *backoff, uint64_t seed)
{
	*backoff = (struct backoff){ .chance = seed | 1 }; /* xorshift stays at 0 for ever */
}

void backoff_reset(struct backoff *backoff)
{
	backoff->ms = 0;
}

bool backoff_is_reset(const struct backoff *backoff)
{
	return backoff->ms == 0;
}

int64_t backoff_next(struct backoff *backoff)
{
	backoff->ms = backoff->ms ? backoff->ms * 2 : BACKOFF_MIN_MS;
	if (backoff->ms > BACKOFF_MAX_MS)
		backoff->ms = BACKOFF_MAX_MS;
	backoff->chance ^= backoff->chance << 13;
	backoff->chance ^= backoff->chance >> 7;
	backoff->chance ^= backoff->chance << 17;
	return backoff->ms - (int64_t)(backoff->chance % (uint64_t)(backoff->ms / 2 + 1));
}
