/*
 * A server that refuses, forgets or throws out: nothing is lost, nothing is counted twice.
 */
#include <signal.h>
#include <stdio.h>

#include "system/clock.h"
#include "test/unit/store_fixture.h"

static void script_flush_is_survived(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i < 1000; i++) {
		post(f, "a", i, "default_domain");
		if (i % 200 == 100)
			assert_int_equal(decide(f->store, 2, (const char *const[]){ "SCRIPT", "FLUSH" }), STORE_OK);
	}
	assert_true(written(f->store, 1000, 20000));
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, 1000);
	assert_true(seen.ordered);
}

static void a_call_of_an_unknown_script_is_tried_once_more(void **state)
{
	struct fixture *f = *state;
	const char *const none[] = { "EVALSHA", "0123456789012345678901234567890123456789", "0" };

	NEEDS_SERVER(f);
	open_store(f);
	assert_int_equal(decide(f->store, 3, none), STORE_REFUSED);
	assert_true(answers(f->store));
}

#define MANY 1500 /* more than can be under way at once */

static bool all_are_refused(struct fixture *f)
{
	const char *const none[] = { "EVALSHA", "0123456789012345678901234567890123456789", "0" };
	static struct store_call *calls[MANY];
	const int64_t until_ms = clock_ticks_ms() + 20000;
	struct redisReply *reply;
	unsigned refused = 0;

	for (unsigned i = 0; i < MANY; i++) {
		calls[i] = store_submit(f->store, 3, none);
		if (i % 3 == 0)
			post(f, "a", i, NULL);
	}
	for (unsigned i = 0; i < MANY; i++) {
		refused += store_collect(f->store, calls[i], until_ms, &reply) == STORE_REFUSED;
		reply_free(&reply);
	}
	return refused == MANY;
}

/* Each is sent again behind the script: what is under way grows while it is answered. */
static void many_calls_of_an_unknown_script_leave_room_for_posts(void **state)
{
	struct fixture *f = *state;
	unsigned rounds = 1;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	while (!all_are_refused(f)) { /* a busy machine may make one round late */
		assert_true(rounds++ < 5);
		assert_true(answers(f->store));
	}
	assert_true(written(f->store, (uint64_t)rounds * MANY / 3, 20000));
}

static void client_kill_is_survived(void **state)
{
	struct fixture *f = *state;
	const char *const words[] = { "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no" };
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	for (unsigned i = 0; i < 2000; i++) {
		post(f, "a", i, "default_domain");
		if (i % 1000 == 500) {
			wait_ms(600);
			const enum store_result result = ask(f->store, 2000, 6, words);
			assert_true(result == STORE_OK || result == STORE_UNSURE);
			wait_ms(20);
			assert_true(answers(f->store)); /* no call is refused for that */
		}
	}
	assert_true(written(f->store, 2000, 20000));
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, 2000);
	assert_true(seen.ordered);
}

/* The server refuses writes for a while: `broken` and `healed` are commands that make it so. */
static void posts_wait_for(struct fixture *f, const char *word, const char *const broken[4],
			   const char *const healed[4])
{
	struct seen seen = { 0 };

	open_store(f);
	for (unsigned i = 0; i < 100; i++)
		post(f, "a", i, "default_domain");
	assert_true(written(f->store, 100, 20000));
	assert_int_equal(decide(f->store, broken[3] ? 4 : 3, broken), STORE_OK);
	for (unsigned i = 100; i < 600; i++)
		post(f, "a", i, "default_domain");
	assert_true(trouble_is(f->store, word, 5000));
	assert_int_equal(decide(f->store, 3, (const char *const[]){ "SET", "x", "y" }), STORE_REFUSED);
	assert_int_equal(decide(f->store, healed[3] ? 4 : 3, healed), STORE_OK);
	assert_true(written(f->store, 600, 20000));
	assert_true(trouble_is(f->store, "", 1000));
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, 600);
	assert_true(seen.ordered);
}

static void out_of_memory(void **state)
{
	struct fixture *f = *state;
	const char *const broken[] = { "CONFIG", "SET", "maxmemory", "1" }, *const healed[] = { "CONFIG", "SET",
												"maxmemory", "0" };

	NEEDS_SERVER(f);
	posts_wait_for(f, "OOM", broken, healed);
}

static void read_only(void **state)
{
	struct fixture *f = *state;
	const char *const broken[] = { "REPLICAOF", "127.0.0.1", "1", NULL }, *const healed[] = { "REPLICAOF", "NO",
												  "ONE", NULL };

	NEEDS_SERVER(f);
	posts_wait_for(f, "READONLY", broken, healed);
}

/* A failover moves the name, not the connection: without asking anew one would stay with the old master for ever. */
static void a_demoted_master_is_left_for_the_new_one(void **state)
{
	struct fixture *f = *state;
	struct server other = { .pid = 0 };
	char port[8];
	const char *const more[] = { "--port", port, "--bind", "127.0.0.1", NULL };
	struct store_status status;

	NEEDS_SERVER(f);
	server_kill(&f->server, SIGKILL);
	free_port(port);
	assert_true(server_start(&f->server, more));
	snprintf(f->address, sizeof(f->address), "127.0.0.1:%s", port);
	f->options.address = f->address;
	open_store(f);
	assert_true(answers(f->store));
	/* Demoted, and its port taken over by another one while the old connection lives on. */
	assert_int_equal(decide(f->store, 3, (const char *const[]){ "REPLICAOF", "127.0.0.1", "1" }), STORE_OK);
	post(f, "a", 1, NULL);
	assert_true(trouble_is(f->store, "READONLY", 5000));
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "port", "0" }), STORE_OK);
	assert_true(server_make(&other, more));
	const bool done = written(f->store, 1, 10000);
	server_end(&other);
	assert_true(done);
	store_status(f->store, &status);
	assert_int_equal(status.dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(script_flush_is_survived),
		STORE_TEST(a_call_of_an_unknown_script_is_tried_once_more),
		STORE_TEST(many_calls_of_an_unknown_script_leave_room_for_posts),
		STORE_TEST(client_kill_is_survived),
		STORE_TEST(out_of_memory),
		STORE_TEST(read_only),
		STORE_TEST(a_demoted_master_is_left_for_the_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
