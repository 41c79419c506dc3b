/*
 * What a process counts by itself: decisions, notices, what it owes the store, and that it stays small.
 */
#include <stdio.h>

#include "store/local.h"
#include "test/unit/test.h"

#define HOUR_MS 3600000
#define WALL 1764066217123

static struct local_time at(int64_t ticks)
{
	return (struct local_time){ ticks, WALL + ticks };
}

static struct span span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct limit_request ask(struct local *local, const char *key, enum limit_mode mode, uint32_t n, int64_t ticks,
				bool owed)
{
	struct limit_request request = { .mode = mode, .count = 1 };

	limit_name(request.limits[0].name, "account", span(""));
	request.limits[0].n = n;
	request.limits[0].per_hour = 10;
	request.limits[0].per_day = 25;
	local_decide(local, &request, span(key), at(ticks), owed);
	return request;
}

static void the_limit_holds(void **state)
{
	struct local *local = local_new(100);
	struct limit_request got;

	(void)state;
	got = ask(local, "a", LIMIT_COUNT, 7, 0, false);
	assert_true(got.fits && got.counted && got.local && !got.again);
	assert_int_equal(got.limits[0].used_hour, 7);
	assert_int_equal(got.limits[0].notices, 0);
	got = ask(local, "a", LIMIT_COUNT, 4, 1000, false);
	assert_false(got.fits || got.counted);
	assert_int_equal(got.free_ms, WALL + HOUR_MS + 600000);
	assert_int_equal(got.limits[0].notices, LIMIT_HOUR_FULL);
	got = ask(local, "a", LIMIT_COUNT, 1, 1000, false);
	assert_int_equal(got.limits[0].notices, 0); /* what was said for all of it is not said for 80 % */
	got = ask(local, "a", LIMIT_CHECK, 3, 1000, false);
	assert_false(got.fits);
	got = ask(local, "a", LIMIT_OBSERVE, 3, 1000, false);
	assert_false(got.fits);
	assert_true(got.counted);
	assert_int_equal(got.limits[0].used_hour, 11);
	got = ask(local, "b", LIMIT_COUNT, 8, 1000, false);
	assert_int_equal(got.limits[0].notices, LIMIT_HOUR_NEAR);
	got = ask(local, "a", LIMIT_COUNT, 10, HOUR_MS + 600000, false);
	assert_true(got.fits);
	assert_int_equal(got.limits[0].notices, LIMIT_HOUR_FULL | LIMIT_DAY_NEAR);
	assert_int_equal(got.limits[0].used_day, 21);
	got = ask(local, "a", LIMIT_COUNT, 11, 2 * HOUR_MS, false);
	assert_int_equal(got.free_ms, -1);
	assert_int_equal(local_decided(local), 8);
	local_free(&local);
	assert_null(local);
}

static void what_is_owed_is_paid_piece_by_piece(void **state)
{
	struct local *local = local_new(100);
	struct local_debt debt;
	uint64_t a = 0, b = 0;

	(void)state;
	assert_false(local_owes(local));
	assert_false(local_pay(local, &debt, at(0)));
	for (int i = 0; i < 10; i++) {
		ask(local, "leu:limit:{a}", LIMIT_OBSERVE, 1, i * 600000, true);
		ask(local, "leu:limit:{b}", LIMIT_COUNT, 2, i * 600000, i % 2);
		ask(local, "leu:limit:{c}", LIMIT_COUNT, 2, i * 600000, false);
	}
	assert_true(local_owes(local));
	while (local_pay(local, &debt, at(2 * HOUR_MS))) {
		assert_string_equal(debt.name, "account");
		assert_true(debt.age_ms >= 0 && debt.age_ms <= 2 * HOUR_MS);
		assert_int_equal(debt.per_hour, 10);
		assert_int_equal(debt.per_day, 25);
		if (strcmp(debt.key, "leu:limit:{a}") == 0)
			a += debt.n;
		else if (strcmp(debt.key, "leu:limit:{b}") == 0)
			b += debt.n;
		else
			fail();
	}
	assert_int_equal(a, 10);
	assert_int_equal(b, 8); /* of 0 to 4 and 7 to 9, which the limit of an hour lets pass, the odd ones */
	assert_false(local_owes(local));
	assert_int_equal(local_lost(local), 0);
	local_free(&local);
}

static void debts_older_than_a_day_need_not_be_told(void **state)
{
	struct local *local = local_new(100);
	struct local_debt debt;

	(void)state;
	ask(local, "a", LIMIT_COUNT, 1, 0, true);
	assert_false(local_pay(local, &debt, at(26 * HOUR_MS)));
	assert_false(local_owes(local));
	local_free(&local);
}

static void those_not_used_for_longest_go_first(void **state)
{
	struct local *local = local_new(100);
	char key[16];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		ask(local, key, LIMIT_OBSERVE, 1, i, false);
		ask(local, "always", LIMIT_OBSERVE, 1, i, false);
	}
	assert_int_equal(ask(local, "always", LIMIT_CHECK, 1, 10000, false).limits[0].used_hour, 10000);
	assert_int_equal(ask(local, "9999", LIMIT_CHECK, 1, 10000, false).limits[0].used_hour, 1);
	assert_int_equal(ask(local, "9950", LIMIT_CHECK, 1, 10000, false).limits[0].used_hour, 1);
	assert_int_equal(ask(local, "9000", LIMIT_CHECK, 1, 10000, false).limits[0].used_hour, 0);
	/* looking makes no place: whoever asks for many names drives nobody out */
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "x%d", i);
		ask(local, key, LIMIT_CHECK, 1, 10000, false);
	}
	assert_int_equal(ask(local, "9950", LIMIT_CHECK, 1, 10000, false).limits[0].used_hour, 1);
	local_free(&local);
}

static void debts_stay_as_long_as_there_is_room(void **state)
{
	struct local *local = local_new(100);
	struct local_debt debt;
	uint64_t paid = 0;
	char key[16];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "owes %d", i);
		ask(local, key, LIMIT_COUNT, 1, i, true);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		ask(local, key, LIMIT_COUNT, 1, 100, false);
	}
	assert_int_equal(local_lost(local), 0);
	for (int i = 0; i < 200; i++) { /* more than there is room for: it is known how many were lost */
		snprintf(key, sizeof(key), "owes too %d", i);
		ask(local, key, LIMIT_COUNT, 1, 200, true);
	}
	while (local_pay(local, &debt, at(300)))
		paid += debt.n;
	assert_true(paid > 0 && paid <= 100);
	assert_int_equal(paid + local_lost(local), 250);
	local_free(&local);
}

static void what_the_store_counted_is_known_when_it_goes(void **state)
{
	struct local *local = local_new(100);
	struct limit_request told = ask(local, "a", LIMIT_CHECK, 6, 0, false), got;

	(void)state;
	told.mode = LIMIT_COUNT;
	told.counted = true;
	local_follow(local, &told, span("a"), at(0));
	told.again = true; /* the same again */
	local_follow(local, &told, span("a"), at(0));
	got = ask(local, "a", LIMIT_COUNT, 5, 1, true);
	assert_false(got.fits);
	assert_int_equal(got.limits[0].used_hour, 6);
	/* with an admin's limit, until it ends */
	told.mode = LIMIT_CHECK;
	told.limits[0].per_hour = 1000;
	told.limits[0].per_day = 0;
	told.limits[0].overridden_ms = WALL + 5000;
	local_follow(local, &told, span("a"), at(10));
	got = ask(local, "a", LIMIT_CHECK, 900, 4000, false);
	assert_true(got.fits);
	assert_int_equal(got.limits[0].per_hour, 1000);
	assert_int_equal(got.limits[0].overridden_ms, WALL + 5000);
	got = ask(local, "a", LIMIT_CHECK, 5, 5000, false);
	assert_false(got.fits);
	assert_int_equal(got.limits[0].overridden_ms, 0);
	local_free(&local);
}

static void refusals_are_remembered_for_a_day(void **state)
{
	struct local *local = local_new(100);
	struct limit_request got, told;

	(void)state;
	ask(local, "a", LIMIT_COUNT, 10, 0, false);
	got = ask(local, "a", LIMIT_COUNT, 1, 1000, false); /* not yet before this one */
	assert_true(!got.fits && got.refused_ms == 0 && got.full_since_ms == 0);
	got = ask(local, "a", LIMIT_CHECK, 1, 2000, false);
	assert_true(got.refused_ms == WALL + 1000 && got.full_since_ms == WALL + 1000);
	got = ask(local, "a", LIMIT_COUNT, 1, HOUR_MS, false);
	assert_int_equal(got.refused_ms, WALL + 1000); /* a check refuses nothing */
	got = ask(local, "a", LIMIT_COUNT, 1, 24 * HOUR_MS, false);
	assert_true(got.fits && got.refused_ms == WALL + HOUR_MS && got.full_since_ms == WALL + 1000);
	got = ask(local, "b", LIMIT_CHECK, 1, 24 * HOUR_MS, false);
	assert_true(got.refused_ms == 0 && got.full_since_ms == 0);
	got = ask(local, "a", LIMIT_CHECK, 1, 25 * HOUR_MS + 1, false);
	assert_true(got.refused_ms == 0 && got.full_since_ms == 0);
	ask(local, "a", LIMIT_OBSERVE, 11, 25 * HOUR_MS + 1, false); /* and begin anew */
	got = ask(local, "a", LIMIT_CHECK, 1, 25 * HOUR_MS + 2, false);
	assert_int_equal(got.full_since_ms, WALL + 25 * HOUR_MS + 1);

	/* what the store knew goes on */
	told = ask(local, "c", LIMIT_CHECK, 1, 0, false);
	told.mode = LIMIT_COUNT;
	told.fits = false;
	told.refused_ms = WALL - HOUR_MS;
	told.full_since_ms = WALL - 3 * HOUR_MS;
	local_follow(local, &told, span("c"), at(5));
	got = ask(local, "c", LIMIT_CHECK, 1, 10, false);
	assert_true(got.refused_ms == WALL + 5 && got.full_since_ms == WALL - 3 * HOUR_MS);
	told.mode = LIMIT_CHECK;
	local_follow(local, &told, span("d"), at(5));
	got = ask(local, "d", LIMIT_CHECK, 1, 10, false);
	assert_true(got.refused_ms == WALL - HOUR_MS && got.full_since_ms == WALL - 3 * HOUR_MS);
	local_free(&local);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_holds),
		cmocka_unit_test(what_is_owed_is_paid_piece_by_piece),
		cmocka_unit_test(debts_older_than_a_day_need_not_be_told),
		cmocka_unit_test(those_not_used_for_longest_go_first),
		cmocka_unit_test(debts_stay_as_long_as_there_is_room),
		cmocka_unit_test(what_the_store_counted_is_known_when_it_goes),
		cmocka_unit_test(refusals_are_remembered_for_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
