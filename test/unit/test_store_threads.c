/*
 * Many threads, one store: each keeps its own deadline.
 */
#include <pthread.h>
#include <signal.h>

#include "system/clock.h"
#include "test/unit/store_fixture.h"

struct worker {
	struct fixture *f;
	pthread_t thread;
	uint64_t results[STORE_REFUSED + 1];
	int64_t worst_us;
	int64_t until_ms;
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	while (clock_ticks_ms() < worker->until_ms) {
		const int64_t before = now_us();
		worker->results[ask(worker->f->store, 100, 2, (const char *const[]){ "INCR", "count" })]++;
		if (now_us() - before > worker->worst_us)
			worker->worst_us = now_us() - before;
		if (worker->results[STORE_DOWN])
			wait_ms(1);
	}
	return NULL;
}

/* How late this machine is by itself, beside those that work. */
static void *watch(void *arg)
{
	struct worker *worker = arg;

	while (clock_ticks_ms() < worker->until_ms) {
		const int64_t before = now_us();
		wait_ms(5);
		if (now_us() - before > worker->worst_us)
			worker->worst_us = now_us() - before;
	}
	return NULL;
}

static void many_threads_keep_their_deadlines(void **state)
{
	struct fixture *f = *state;
	struct worker workers[32] = { 0 }, watcher = { .until_ms = clock_ticks_ms() + 2500 };
	uint64_t results[STORE_REFUSED + 1] = { 0 };
	int64_t worst = 0;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	assert_int_equal(pthread_create(&watcher.thread, NULL, watch, &watcher), 0);
	for (size_t i = 0; i < 32; i++) {
		workers[i].f = f;
		workers[i].until_ms = clock_ticks_ms() + 2500;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	wait_ms(300);
	kill(f->server.pid, SIGSTOP);
	wait_ms(600);
	kill(f->server.pid, SIGCONT);
	wait_ms(500);
	server_kill(&f->server, SIGKILL);
	wait_ms(200);
	assert_true(server_start(&f->server, NULL));
	for (size_t i = 0; i < 32; i++) {
		pthread_join(workers[i].thread, NULL);
		for (size_t k = 0; k <= STORE_REFUSED; k++)
			results[k] += workers[i].results[k];
		if (workers[i].worst_us > worst)
			worst = workers[i].worst_us;
	}
	pthread_join(watcher.thread, NULL);
	print_message("answered %llu, down %llu, unsure %llu, refused %llu, worst %.1f ms (the machine itself %.1f)\n",
		      (unsigned long long)results[STORE_OK], (unsigned long long)results[STORE_DOWN],
		      (unsigned long long)results[STORE_UNSURE], (unsigned long long)results[STORE_REFUSED],
		      (double)worst / 1000, (double)watcher.worst_us / 1000);
	assert_true(results[STORE_OK] > 1000);
	assert_true(results[STORE_DOWN] > 0);
	assert_true(results[STORE_UNSURE] > 0 && results[STORE_UNSURE] <= 32 * 20);
	assert_true(worst < 500000 + watcher.worst_us);
	assert_true(answers(f->store));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(many_threads_keep_their_deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
