/*
 * The store in ordinary times: what is posted comes back, soon and in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "log.h"
#include "test/unit/store_fixture.h"

static void history_and_counters_come_back(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	char id[16];

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i < 50; i++)
		post(f, i % 2 ? "CP1098@srv03" : "other{}", i / 2, i % 4 ? "default_domain" : NULL);
	assert_true(written(f->store, 50, 20000));
	assert_int_equal(history(f, "cp1098@srv03", &seen), STORE_OK);
	assert_int_equal(seen.count, 25);
	assert_true(seen.ordered);
	assert_true(llabs(seen.at_ms - clock_wall_ms()) < 60000);

	snprintf(id, sizeof(id), "%.13s", seen.text);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(store_explain(f->store, id, see, &seen, 2000), STORE_OK);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.account, "cp1098@srv03");
	assert_int_equal(store_explain(f->store, "0000000000000", see, &seen, 2000), STORE_NONE);
	assert_int_equal(store_explain(f->store, "no id", see, &seen, 2000), STORE_NONE);
	assert_int_equal(history(f, "nobody", &seen), STORE_NONE);

	assert_int_equal(refusals(f, "Cp1098@srv03"), 25);
	assert_int_equal(refusals(f, NULL), 37);
	assert_int_equal(refusals(f, "nobody"), -STORE_NONE);
}

static void posts_are_written_within_50_ms(void **state)
{
	struct fixture *f = *state;
	int64_t worst = 0;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	for (unsigned i = 0; i < 20; i++) {
		const int64_t before = clock_ticks_ms();
		post(f, "a", i, NULL);
		assert_true(written(f->store, i + 1, 20000));
		if (clock_ticks_ms() - before > worst)
			worst = clock_ticks_ms() - before;
		wait_ms(7);
	}
	print_message("worst %lld ms\n", (long long)worst);
	assert_true(worst < 1000); /* 50, and a busy machine */
}

static void close_writes_out(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	open_store(f); /* not even connected yet */
	for (unsigned i = 0; i < 300; i++)
		post(f, "a", i, NULL);
	store_close(&f->store, 20000);
	open_store(f);
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, 300);
	assert_true(seen.ordered);
}

static void a_key_of_another_type_stops_nobody_else(void **state)
{
	struct fixture *f = *state;
	struct store_status status;

	NEEDS_SERVER(f);
	open_store(f);
	assert_int_equal(decide(f->store, 3, (const char *const[]){ "SET", "leu:hist:{bad}", "x" }), STORE_OK);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	post(f, "bad", 0, NULL);
	post(f, "good", 1, NULL);
	assert_true(written(f->store, 1, 20000));
	store_status(f->store, &status);
	assert_int_equal(status.dropped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(history_and_counters_come_back),
		STORE_TEST(posts_are_written_within_50_ms),
		STORE_TEST(close_writes_out),
		STORE_TEST(a_key_of_another_type_stops_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
