/*
 * What was counted in the last hour and in the last day (store/ring.h).
 */
#include <stddef.h>
#include <string.h>

#include "store/ring.h"

#define DAY_STEPS 144
#define FIRST 1000 /* so that no piece is before zero */

/* The hour piece's last step; it counts until that is more than a day old. */
static int64_t hour_end(int64_t hour)
{
	return hour * 6 + 5;
}

/* The oldest hour that reaches into the day. */
static int64_t first_hour(const struct ring *ring)
{
	return (ring->step - DAY_STEPS) / 6;
}

static uint32_t sum(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static uint32_t *step_at(const struct ring *ring, int64_t step)
{
	return (uint32_t *)&ring->steps[step % RING_STEPS];
}

static uint32_t *hour_at(const struct ring *ring, int64_t hour)
{
	return (uint32_t *)&ring->hours[hour % RING_HOURS];
}

static void turn_one(struct ring *ring)
{
	const int64_t step = ++ring->step, leaving = step - RING_STEPS;
	uint32_t *piece = step_at(ring, step); /* the place of the leaving one */

	*hour_at(ring, leaving / 6) = sum(*hour_at(ring, leaving / 6), *piece);
	*piece = 0;
	if ((step - DAY_STEPS - 1 - 5) % 6 == 0)
		*hour_at(ring, (step - DAY_STEPS - 1 - 5) / 6) = 0;
}

void ring_turn(struct ring *ring, int64_t now_ms)
{
	const int64_t step = now_ms / RING_STEP_MS + FIRST;

	if (step - ring->step > DAY_STEPS + RING_STEPS + 6)
		*ring = (struct ring){ .step = step };
	while (ring->step < step)
		turn_one(ring);
}

void ring_add(struct ring *ring, uint32_t n)
{
	uint32_t *piece = step_at(ring, ring->step);

	*piece = sum(*piece, n);
}

uint64_t ring_hour(const struct ring *ring)
{
	uint64_t used = 0;

	for (size_t i = 0; i < RING_STEPS; i++)
		used += ring->steps[i];
	return used;
}

uint64_t ring_day(const struct ring *ring)
{
	uint64_t used = ring_hour(ring);

	for (size_t i = 0; i < RING_HOURS; i++)
		used += ring->hours[i];
	return used;
}

static int64_t step_ms(int64_t step)
{
	return (step - FIRST) * RING_STEP_MS;
}

/* The first step at which `over` of the hour's pieces have left, -1: never. */
static int64_t hour_free(const struct ring *ring, int64_t over)
{
	for (int64_t step = ring->step - RING_STEPS + 1; step <= ring->step; step++) {
		over -= *step_at(ring, step);
		if (over <= 0)
			return step + RING_STEPS;
	}
	return -1;
}

/* The same of the day's; pieces of the last hour will have become hour pieces by then. */
static int64_t day_free(const struct ring *ring, int64_t over)
{
	for (int64_t hour = first_hour(ring); hour <= (ring->step - RING_STEPS) / 6; hour++) {
		over -= *hour_at(ring, hour);
		if (over <= 0)
			return hour_end(hour) + DAY_STEPS + 1;
	}
	for (int64_t step = ring->step - RING_STEPS + 1; step <= ring->step; step++) {
		over -= *step_at(ring, step);
		if (over <= 0)
			return hour_end(step / 6) + DAY_STEPS + 1;
	}
	return -1;
}

int64_t ring_free(const struct ring *ring, uint32_t n, uint32_t per_hour, uint32_t per_day)
{
	const int64_t hour_over = (int64_t)ring_hour(ring) + n - per_hour,
		      day_over = (int64_t)ring_day(ring) + n - per_day;
	int64_t hour = 0, day = 0;

	if (per_hour && n && hour_over > 0)
		hour = hour_free(ring, hour_over);
	if (per_day && n && day_over > 0)
		day = day_free(ring, day_over);
	if (hour < 0 || day < 0)
		return -1;
	const int64_t step = hour > day ? hour : day;
	return step ? step_ms(step) : 0;
}

/* What happened at the end of that step, when this one has only just begun. */
static int64_t age_of(const struct ring *ring, int64_t step)
{
	return step < ring->step ? (ring->step - step - 1) * RING_STEP_MS : 0;
}

bool ring_take(struct ring *ring, uint32_t *n, int64_t *age_ms)
{
	for (int64_t hour = first_hour(ring); hour <= (ring->step - RING_STEPS) / 6; hour++) {
		*n = *hour_at(ring, hour);
		*age_ms = age_of(ring, hour_end(hour));
		*hour_at(ring, hour) = 0;
		if (*n)
			return true;
	}
	for (int64_t step = ring->step - RING_STEPS + 1; step <= ring->step; step++) {
		*n = *step_at(ring, step);
		*age_ms = age_of(ring, step);
		*step_at(ring, step) = 0;
		if (*n)
			return true;
	}
	return false;
}
