/*
 * Contacts learnt from incoming mail: as many as an office gets, no flood.
 */
#include "milters/signup/newcomers.h"
#include "test.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define NOW_MS (20000 * DAY_MS) /* the begin of a day, UTC */

static unsigned learnt(struct newcomers *newcomers, const char *account, int64_t now_ms, unsigned tries)
{
	unsigned count = 0;

	while (tries-- > 0)
		count += newcomers_may(newcomers, account, now_ms);
	return count;
}

static void a_flood_of_senders_is_bounded_by_hour_and_day(void **state)
{
	struct newcomers *newcomers = newcomers_new();
	unsigned of_day = 0;

	(void)state;
	assert_int_equal(learnt(newcomers, "bob", NOW_MS, 59), 59);
	assert_int_equal(learnt(newcomers, "Bob", NOW_MS, 100), 1);
	assert_int_equal(learnt(newcomers, "alice", NOW_MS, 10), 10);
	for (int hour = 1; hour < 24; hour++)
		of_day += learnt(newcomers, "bob", NOW_MS + hour * HOUR_MS, 100);
	assert_int_equal(60 + of_day, 200);
	assert_int_equal(learnt(newcomers, "bob", NOW_MS + DAY_MS, 100), 60);
	newcomers_free(&newcomers);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_of_senders_is_bounded_by_hour_and_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
