/*
 * A server that is killed or frozen: callers are told at once, and it is found again.
 */
#include <signal.h>

#include "system/clock.h"
#include "test/unit/store_fixture.h"

static void redis_is_dead(void **state)
{
	struct fixture *f = *state;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	server_kill(&f->server, SIGKILL);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_true(down_at_once(f->store));
	wait_ms(1100); /* the longest pause between tries */
	assert_true(down_at_once(f->store));
	assert_true(server_start(&f->server, NULL));
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	assert_true(answers(f->store));
}

static void redis_is_frozen(void **state)
{
	struct fixture *f = *state;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	kill(f->server.pid, SIGSTOP);
	const int64_t before = clock_ticks_ms();
	assert_int_equal(ping(f->store), STORE_UNSURE);
	const int64_t first = clock_ticks_ms() - before;
	assert_true(first >= 99 && first < 400);
	assert_true(down_at_once(f->store));
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	wait_ms(1100);
	assert_true(down_at_once(f->store));
	kill(f->server.pid, SIGCONT);
	const int64_t thawed = clock_ticks_ms();
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	print_message("first caller %lld ms, back after %lld ms\n", (long long)first,
		      (long long)(clock_ticks_ms() - thawed));
	assert_true(answers(f->store));
}

static void a_short_stall_keeps_the_connection(void **state)
{
	struct fixture *f = *state;
	struct store_status before, after;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	store_status(f->store, &before);
	kill(f->server.pid, SIGSTOP);
	const int64_t stopped = clock_ticks_ms();
	assert_int_equal(ping(f->store), STORE_UNSURE);
	assert_true(down_at_once(f->store));
	kill(f->server.pid, SIGCONT);
	const int64_t stall = clock_ticks_ms() - stopped;
	assert_true(answers(f->store));
	store_status(f->store, &after);
	assert_true(before.since_ms == after.since_ms || stall > 200); /* a busy machine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(redis_is_dead),
		STORE_TEST(redis_is_frozen),
		STORE_TEST(a_short_stall_keeps_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
