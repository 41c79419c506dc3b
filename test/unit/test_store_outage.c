/*
 * What was posted while the server was away or frozen.
 */
#include <signal.h>

#include "test/unit/store_fixture.h"

static void posts_survive_an_outage(void **state)
{
	struct fixture *f = *state;
	static const char *const more[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	server_kill(&f->server, SIGKILL);
	assert_true(server_start(&f->server, more));
	open_store(f);
	for (unsigned i = 0; i < 3000; i++) {
		post(f, "a", i, "default_domain");
		if (i == 500) { /* in the middle of writing */
			wait_ms(2);
			server_kill(&f->server, SIGKILL);
		}
		if (i == 2000) {
			wait_ms(300);
			assert_true(server_start(&f->server, more));
		}
		if (i % 100 == 50)
			wait_ms(3);
	}
	assert_true(written(f->store, 3000, 20000));
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, 3000);
	assert_true(seen.ordered);
	assert_int_equal(refusals(f, "a"), 3000);
}

static void a_frozen_server_gets_nothing_twice(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	for (int round = 0; round < 2; round++) {
		kill(f->server.pid, SIGSTOP);
		for (unsigned i = 0; i < 500; i++)
			post(f, "a", (unsigned)round * 500 + i, "default_domain");
		wait_ms(700); /* sent, given up, perhaps sent again: all of it lies in sockets */
		kill(f->server.pid, SIGCONT);
		assert_true(written(f->store, ((unsigned)round + 1) * 500, 20000));
	}
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, 1000);
	assert_true(seen.ordered);
	assert_int_equal(refusals(f, "a"), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(posts_survive_an_outage),
		STORE_TEST(a_frozen_server_gets_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
