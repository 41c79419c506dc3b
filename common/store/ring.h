/*
 * What was counted in the last hour and in the last day, in this process' memory: the same windows as redis/limit.lua,
 * by a clock that nobody sets. Pure: now is an argument. Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_RING_H
#define LEUMUND_STORE_RING_H

#include <stdbool.h>
#include <stdint.h>

#define RING_STEP_MS 600000
#define RING_STEPS 7  /* pieces of 10 minutes that reach into the last hour */
#define RING_HOURS 26 /* pieces of an hour behind them that reach into the last day */

/* All zeros is an empty one. */
struct ring {
	int64_t step; /* the youngest piece */
	uint32_t steps[RING_STEPS], hours[RING_HOURS];
};

/* Before all others, with the time in ms since some begin (not before it). A time before the last one is that one. */
void ring_turn(struct ring *ring, int64_t now_ms);

void ring_add(struct ring *ring, uint32_t n);
uint64_t ring_hour(const struct ring *ring);
uint64_t ring_day(const struct ring *ring);

/* When n more fit below limits (0 = none), in ms like now; 0: now; -1: never. */
int64_t ring_free(const struct ring *ring, uint32_t n, uint32_t per_hour, uint32_t per_day);

/* Takes the oldest piece out; its age is not more than it really is. False: the ring is empty. */
bool ring_take(struct ring *ring, uint32_t *n, int64_t *age_ms);

#endif
