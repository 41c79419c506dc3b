/*
 * Pauses between tries: twice as long each time, and never in step with those of other servers. Internal to
 * common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_BACKOFF_H
#define LEUMUND_STORE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 1000 /* also how often an absent server is tried */

struct backoff {
	int64_t ms; /* the pause last time; 0 = there was none */
	uint64_t chance;
};

void backoff_init(struct backoff *backoff, uint64_t seed);
void backoff_reset(struct backoff *backoff);
bool backoff_is_reset(const struct backoff *backoff);
int64_t backoff_next(struct backoff *backoff); /* in ms, at least half of what it says */

#endif
