/*
 * When what has died is started again: after a second, then after twice as long each time, at most 30 seconds.
 */
#ifndef LEUMUND_TOOLS_RETRY_H
#define LEUMUND_TOOLS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry {
	int64_t at_ms;	 /* clock_ticks_ms(); 0: nothing is due */
	int64_t wait_ms; /* the last wait; 0: none yet */
};

/* For one that lived since `started_ms`; how many seconds it will take. */
int retry_plan(struct retry *retry, int64_t started_ms);

bool retry_is_due(const struct retry *retry);

/* The earlier of its time and `other_ms`. */
int64_t retry_earlier(const struct retry *retry, int64_t other_ms);

#endif
