/*
 * Where an account stands with its limits now: the store's counts, made older to this moment.
 */
#ifndef LEUMUND_TOOLS_STANDING_H
#define LEUMUND_TOOLS_STANDING_H

#include "store/limit.h"

#define STANDING_LIMITS LIMIT_NAMES

struct standing_limit {
	/*
	 * Name, used and, where they are known, limits: an admin's, else those that the last message met when the count
	 * was half of one or more. free_ms is when one more would fit.
	 */
	struct limit limit;
	bool knows_limits;
};

struct standing {
	size_t count;
	struct standing_limit at[STANDING_LIMITS]; /* the account's own first, then the most used of the day */
	int64_t refused;			   /* counts that did not fit, since the counters began */
	int64_t refused_ms; /* when that happened last, and since when without a day's pause; 0 = not within a day */
	int64_t full_since_ms;
	char last_text[40]; /* when the last message was counted or refused; "" = none */
};

/* NONE: nothing was counted within a day. */
enum store_result standing_read(struct store *store, const char *account, struct standing *out, int64_t deadline_ms);

/* Of the two windows: is one full, is one at 80 %? */
bool standing_is_full(const struct standing_limit *limit);
bool standing_is_near(const struct standing_limit *limit);

#endif
