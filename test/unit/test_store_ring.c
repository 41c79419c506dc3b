/*
 * The ring in memory beside an exact log of everything.
 */
#include "store/ring.h"
#include "test/unit/test.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define LOG 200000

static int64_t at[LOG];
static uint32_t counted[LOG];
static size_t logged;

static void note(int64_t now, uint32_t n)
{
	assert_true(logged < LOG);
	at[logged] = now;
	counted[logged++] = n;
}

/* What the log says about the time after `since`. */
static uint64_t since(int64_t since_ms)
{
	uint64_t sum = 0;

	for (size_t i = logged; i > 0 && at[i - 1] > since_ms; i--)
		sum += counted[i - 1];
	return sum;
}

static uint32_t chance(uint32_t below)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x % below);
}

/* Whatever pauses he makes: no hour and no day holds more than the limit. */
static void try_all(int64_t pause_ms, uint32_t most, uint32_t per_hour, uint32_t per_day, unsigned tries)
{
	struct ring ring = { 0 };
	int64_t now = chance(1000000000);
	uint64_t passed = 0;

	logged = 0;
	for (unsigned i = 0; i < tries; i++) {
		const uint32_t n = 1 + chance(most);
		now += chance((uint32_t)pause_ms * 2);
		if (chance(500) == 0)
			now += chance(2) ? DAY_MS / 2 : 3 * DAY_MS;
		ring_turn(&ring, now);
		const int64_t free_ms = ring_free(&ring, n, per_hour, per_day);
		assert_true(free_ms == 0 || free_ms == -1 || free_ms > now);
		/* what is counted: at least what there was, at most that of one piece more */
		assert_true(ring_hour(&ring) >= since(now - HOUR_MS));
		assert_true(ring_hour(&ring) <= since(now - HOUR_MS - RING_STEP_MS));
		assert_true(ring_day(&ring) >= since(now - DAY_MS));
		assert_true(ring_day(&ring) <= since(now - DAY_MS - HOUR_MS));
		if (free_ms == 0) {
			ring_add(&ring, n);
			note(now, n);
			passed += n;
		} else if (free_ms > 0 && chance(10) == 0) { /* it is free then, and not a moment before */
			struct ring then = ring;
			ring_turn(&then, free_ms - 1);
			assert_int_not_equal(ring_free(&then, n, per_hour, per_day), 0);
			ring_turn(&then, free_ms);
			assert_int_equal(ring_free(&then, n, per_hour, per_day), 0);
		}
		if (per_hour)
			assert_true(since(now - HOUR_MS) <= per_hour);
		if (per_day)
			assert_true(since(now - DAY_MS) <= per_day);
	}
	assert_true(passed > 0);
}

static void no_hour_and_no_day_holds_more_than_the_limit(void **state)
{
	(void)state;
	try_all(1000, 1, 100, 0, 20000);
	try_all(20000, 1, 100, 0, 20000);
	try_all(60000, 5, 100, 500, 20000);
	try_all(600000, 3, 10, 50, 10000);
	try_all(3600000, 20, 0, 100, 10000);
	try_all(30000, 50, 1000, 3000, 20000);
}

static void a_clock_that_steps_back_changes_nothing(void **state)
{
	struct ring ring = { 0 };

	(void)state;
	ring_turn(&ring, 10 * DAY_MS);
	ring_add(&ring, 7);
	ring_turn(&ring, 9 * DAY_MS);
	ring_add(&ring, 1);
	assert_int_equal(ring_hour(&ring), 8);
	ring_turn(&ring, 10 * DAY_MS + HOUR_MS + RING_STEP_MS);
	assert_int_equal(ring_hour(&ring), 0);
	assert_int_equal(ring_day(&ring), 8);
}

static void more_than_a_limit_never_fits(void **state)
{
	struct ring ring = { 0 };

	(void)state;
	ring_turn(&ring, 0);
	assert_int_equal(ring_free(&ring, 11, 10, 0), -1);
	assert_int_equal(ring_free(&ring, 11, 0, 10), -1);
	assert_int_equal(ring_free(&ring, 11, 0, 0), 0);
	ring_add(&ring, 20);
	assert_int_equal(ring_free(&ring, 0, 10, 10), 0);
	assert_int_equal(ring_free(&ring, 10, 10, 0), HOUR_MS + RING_STEP_MS);
}

static void counts_stop_at_the_most_that_they_hold(void **state)
{
	struct ring ring = { 0 };

	(void)state;
	ring_turn(&ring, 0);
	ring_add(&ring, UINT32_MAX);
	ring_add(&ring, UINT32_MAX);
	assert_true(ring_hour(&ring) == UINT32_MAX);
	ring_turn(&ring, 2 * HOUR_MS);
	assert_true(ring_day(&ring) == UINT32_MAX);
	assert_int_equal(ring_free(&ring, 1, 0, 5), (25 * 6 - 4) * RING_STEP_MS);
}

static void taken_pieces_are_all_of_it_and_not_older_than_they_were(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct ring ring = { 0 };
		int64_t now = chance(1000000000), age;
		uint32_t n;
		uint64_t taken = 0;

		logged = 0;
		for (unsigned i = 0; i < 50; i++) {
			now += chance(3000000);
			ring_turn(&ring, now);
			ring_add(&ring, i);
			note(now, i);
		}
		const uint64_t day = ring_day(&ring);
		while (ring_take(&ring, &n, &age)) {
			assert_true(n > 0 && age >= 0);
			taken += n;
			assert_true(n <= since(INT64_MIN) - since(now - age));
		}
		assert_true(taken == day);
		assert_true(ring_day(&ring) == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_hour_and_no_day_holds_more_than_the_limit),
		cmocka_unit_test(a_clock_that_steps_back_changes_nothing),
		cmocka_unit_test(more_than_a_limit_never_fits),
		cmocka_unit_test(counts_stop_at_the_most_that_they_hold),
		cmocka_unit_test(taken_pieces_are_all_of_it_and_not_older_than_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
