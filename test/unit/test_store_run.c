/*
 * Scripts of milters: what they answer, and what becomes of them when the store is away, slow, forgetful or full.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "log.h"
#include "system/clock.h"
#include "test/unit/store_fixture.h"

#define DEADLINE_MS 100

static struct span span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

/* A decision: a script that counts what it is told, and knows what it was told before. */
struct told {
	char hist[64], refused[64], ms[24], chance[24];
	struct span keys[2], args[7];
	struct store_request request;
};

static const struct store_request *tell(struct told *told, const char *account, unsigned chance)
{
	snprintf(told->hist, sizeof(told->hist), "leu:hist:{%s}", account);
	snprintf(told->refused, sizeof(told->refused), "leu:refused:{%s}", account);
	snprintf(told->ms, sizeof(told->ms), "%lld", (long long)clock_wall_ms());
	snprintf(told->chance, sizeof(told->chance), "%u", chance);
	told->keys[0] = span(told->hist);
	told->keys[1] = span(told->refused);
	const struct span args[7] = { span(told->ms),  span(told->chance), span(told->chance), span("3600"),
				      span("1000000"), span("r.hold"),	   span("now r.hold") };
	memcpy(told->args, args, sizeof(args));
	told->request = (struct store_request){ STORE_SCRIPT_DECISION, told->keys, 2, told->args, 7 };
	return &told->request;
}

static const struct span meta = { "leu:meta", 8 };
static const char chance32[] = "0123456789abcdef0123456789abcdef";
static const struct span secret_args = { chance32, 32 };
static const struct store_request secret_request = { STORE_SCRIPT_SECRET, &meta, 1, &secret_args, 1 };

static enum store_result run_one(struct store *store, const struct store_request *request, int64_t *number)
{
	struct store_answer *got;
	const enum store_result result = store_run(store, request, 1, &got, DEADLINE_MS);

	if (got) {
		assert_int_equal(got->result, result);
		if (number)
			*number = store_field_number(got, 0);
	}
	store_answers_free(&got);
	return result;
}

/* Asked again while a busy machine has no answer in time. */
static enum store_result run_until_sure(struct store *store, const struct store_request *request)
{
	enum store_result result = STORE_DOWN;

	for (int i = 0; i < 30; i++) {
		result = run_one(store, request, NULL);
		if (result != STORE_DOWN && result != STORE_UNSURE)
			break;
		wait_ms(100);
	}
	return result;
}

static int64_t counted(struct fixture *f, const char *account)
{
	struct redisReply *reply;
	char key[64];
	int64_t count = -1;

	snprintf(key, sizeof(key), "leu:refused:{%s}", account);
	const char *const words[] = { "HGET", key, "r.hold" };
	for (int i = 0; i < 20 && count < 0; i++) {
		if (store_ask(f->store, 3, words, clock_ticks_ms() + 2000, &reply) == STORE_OK)
			count = reply_number(reply);
		else
			wait_ms(100);
		reply_free(&reply);
	}
	return count;
}

static void a_batch_is_answered_in_order(void **state)
{
	struct fixture *f = *state;
	struct told told[STORE_BATCH];
	struct store_request requests[STORE_BATCH];
	struct store_answer *got = NULL;
	enum store_result result = STORE_DOWN;

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i < STORE_BATCH; i++)
		requests[i] = i % 2 ? secret_request : *tell(&told[i], "a", i / 4);
	for (int i = 0; i < 20 && result != STORE_OK; i++) {
		store_answers_free(&got);
		result = store_run(f->store, requests, STORE_BATCH, &got, 2000);
	}
	assert_int_equal(result, STORE_OK);
	for (unsigned i = 0; i < STORE_BATCH; i++) {
		assert_int_equal(got[i].result, STORE_OK);
		assert_int_equal(got[i].count, i % 2 ? 3 : 1);
		if (i % 2)
			assert_string_equal(store_field(&got[i], 0).at, chance32);
		else
			assert_true(store_field(&got[i], 0).len == 1);
		assert_null(store_field(&got[i], got[i].count).at);
		assert_int_equal(store_field_number(&got[i], got[i].count), 0);
	}
	store_answers_free(&got);
	assert_null(got);
}

static void an_error_is_one_requests_own(void **state)
{
	struct fixture *f = *state;
	const struct store_request bad = { STORE_SCRIPT_SECRET, &meta, 1, &meta, 1 };
	const struct store_request requests[] = { secret_request, bad, secret_request };
	struct store_answer *got = NULL;
	enum store_result result = STORE_DOWN;

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	for (int i = 0; i < 20 && result != STORE_REFUSED; i++) {
		store_answers_free(&got);
		result = store_run(f->store, requests, 3, &got, 2000);
	}
	assert_int_equal(result, STORE_REFUSED);
	assert_int_equal(got[0].result, STORE_OK);
	assert_int_equal(got[1].result, STORE_REFUSED);
	assert_non_null(strstr(store_field(&got[1], 0).at, "32 hexadecimal"));
	assert_int_equal(got[2].result, STORE_OK);
	assert_string_equal(store_field(&got[2], 0).at, chance32);
	store_answers_free(&got);
}

static void only_whole_batches_of_up_to_eight(void **state)
{
	struct fixture *f = *state;
	struct store_request requests[STORE_BATCH + 1];
	struct store_answer *got;

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i <= STORE_BATCH; i++)
		requests[i] = secret_request;
	assert_int_equal(store_run(f->store, requests, STORE_BATCH + 1, &got, DEADLINE_MS), STORE_DOWN);
	assert_null(got);
	assert_int_equal(store_run(f->store, requests, 0, &got, DEADLINE_MS), STORE_DOWN);
	assert_null(got);
	assert_int_equal(store_run(NULL, requests, 2, &got, DEADLINE_MS), STORE_DOWN);
	assert_int_equal(got[1].result, STORE_DOWN);
	assert_int_equal(got[1].count, 0);
	store_answers_free(&got);
	assert_true(store_post(NULL, &secret_request));
}

static void a_dead_server_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	struct store_request requests[STORE_BATCH];
	struct store_answer *got;
	int64_t best = INT64_MAX;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	server_kill(&f->server, SIGKILL);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	for (unsigned i = 0; i < STORE_BATCH; i++)
		requests[i] = secret_request;
	for (int i = 0; i < 10; i++) {
		const int64_t before = now_us();
		assert_int_equal(store_run(f->store, requests, STORE_BATCH, &got, DEADLINE_MS), STORE_DOWN);
		const int64_t took = now_us() - before;
		assert_int_equal(got[STORE_BATCH - 1].result, STORE_DOWN);
		store_answers_free(&got);
		if (took < best)
			best = took;
	}
	print_message("%lld us\n", (long long)best);
	assert_true(best < 1000);
	assert_true(server_start(&f->server, NULL));
	assert_int_equal(run_until_sure(f->store, &secret_request), STORE_OK);
}

static void a_frozen_server_costs_one_deadline_in_all(void **state)
{
	struct fixture *f = *state;
	struct told told[STORE_BATCH];
	struct store_request requests[STORE_BATCH];
	struct store_answer *got;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	for (unsigned i = 0; i < STORE_BATCH; i++)
		requests[i] = *tell(&told[i], "a", i);
	kill(f->server.pid, SIGSTOP);
	const int64_t before = clock_ticks_ms();
	const enum store_result result = store_run(f->store, requests, STORE_BATCH, &got, DEADLINE_MS);
	const int64_t took = clock_ticks_ms() - before;
	assert_int_equal(result, STORE_UNSURE);
	for (unsigned i = 0; i < STORE_BATCH; i++)
		assert_int_equal(got[i].result, STORE_UNSURE);
	store_answers_free(&got);
	assert_true(took >= DEADLINE_MS - 1 && took < 400);
	assert_true(down_at_once(f->store));
	kill(f->server.pid, SIGCONT);
	assert_int_equal(run_until_sure(f->store, &secret_request), STORE_OK);
	assert_int_equal(counted(f, "a"), STORE_BATCH); /* what was unsure has happened, once */
}

static void without_a_deadline_that_of_the_section_counts(void **state)
{
	struct fixture *f = *state;
	struct store_answer *got;

	NEEDS_SERVER(f);
	f->options.deadline_ms = 60;
	open_store(f);
	assert_true(answers(f->store));
	kill(f->server.pid, SIGSTOP);
	const int64_t before = clock_ticks_ms();
	assert_int_equal(store_run(f->store, &secret_request, 1, &got, 0), STORE_UNSURE);
	const int64_t took = clock_ticks_ms() - before;
	store_answers_free(&got);
	kill(f->server.pid, SIGCONT);
	assert_true(took >= 59 && took < 360);
}

static void flushed_scripts_are_loaded_and_counted_once(void **state)
{
	struct fixture *f = *state;
	struct told told;

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i < 200; i++) {
		if (i % 20 == 10)
			assert_int_equal(decide(f->store, 2, (const char *const[]){ "SCRIPT", "FLUSH" }), STORE_OK);
		/* the same request again: the script knows it */
		assert_int_equal(run_until_sure(f->store, tell(&told, "a", i)), STORE_OK);
		assert_int_equal(run_until_sure(f->store, &secret_request), STORE_OK);
	}
	assert_int_equal(counted(f, "a"), 200);
}

static void out_of_memory_is_refused_and_nothing_half_done(void **state)
{
	struct fixture *f = *state;
	struct told told;

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	assert_int_equal(run_until_sure(f->store, tell(&told, "a", 1)), STORE_OK);
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory", "1" }), STORE_OK);
	assert_int_equal(run_until_sure(f->store, tell(&told, "a", 2)), STORE_REFUSED);
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory", "0" }), STORE_OK);
	assert_int_equal(run_until_sure(f->store, tell(&told, "a", 3)), STORE_OK);
	assert_int_equal(counted(f, "a"), 2);
}

/* ---- posts ---------------------------------------------------------------------------------------------------------
 */

static void posts_of_both_kinds_are_written_in_order(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	struct told told;

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i < 500; i++) {
		post(f, "b", i, "default_domain");
		assert_true(store_post(f->store, tell(&told, "a", i)));
		if (i % 100 == 50)
			assert_int_equal(decide(f->store, 2, (const char *const[]){ "SCRIPT", "FLUSH" }), STORE_OK);
	}
	assert_true(written(f->store, 1000, 20000));
	assert_int_equal(counted(f, "a"), 500);
	assert_int_equal(history(f, "b", &seen), STORE_OK);
	assert_int_equal(seen.count, 500);
	assert_true(seen.ordered);
}

static void posts_wait_out_an_outage_and_count_once(void **state)
{
	struct fixture *f = *state;
	static const char *const more[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };
	struct told told;

	NEEDS_SERVER(f);
	server_kill(&f->server, SIGKILL);
	assert_true(server_start(&f->server, more));
	open_store(f);
	assert_true(answers(f->store));
	for (unsigned i = 0; i < 1500; i++) {
		assert_true(store_post(f->store, tell(&told, "a", i)));
		if (i == 500) { /* in the middle of writing */
			wait_ms(2);
			server_kill(&f->server, SIGKILL);
		}
		if (i == 1000) {
			wait_ms(300);
			assert_true(server_start(&f->server, more));
		}
		if (i % 100 == 50)
			wait_ms(3);
	}
	assert_true(written(f->store, 1500, 20000));
	assert_int_equal(counted(f, "a"), 1500);
}

static void a_post_that_never_fits_is_refused(void **state)
{
	struct fixture *f = *state;
	static char big[5000];
	const struct span long_arg = { big, sizeof(big) };
	const struct store_request request = { STORE_SCRIPT_SECRET, &meta, 1, &long_arg, 1 };
	struct store_status status;

	NEEDS_SERVER(f);
	open_store(f);
	assert_false(store_post(f->store, &request));
	store_status(f->store, &status);
	assert_int_equal(status.posted, 0);
	assert_true(store_post(f->store, &secret_request));
	assert_true(written(f->store, 1, 20000));
}

/* ---- many threads --------------------------------------------------------------------------------------------------
 */

struct worker {
	struct fixture *f;
	pthread_t thread;
	unsigned number;
	int64_t until_ms;
	uint64_t results[STORE_REFUSED + 1];
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct told told[3];
	struct store_request requests[4] = { [3] = secret_request };
	struct store_answer *got;

	for (unsigned n = 0; clock_ticks_ms() < worker->until_ms; n++) {
		for (unsigned i = 0; i < 3; i++)
			requests[i] = *tell(&told[i], "a", worker->number * 1000000 + n * 3 + i);
		store_run(worker->f->store, requests, 4, &got, 100);
		for (unsigned i = 0; i < 3; i++)
			worker->results[got[i].result]++;
		if (got[0].result == STORE_DOWN)
			wait_ms(1);
		store_answers_free(&got);
		store_post(worker->f->store, &requests[3]);
	}
	return NULL;
}

static void threads_get_their_own_answers_whatever_happens(void **state)
{
	struct fixture *f = *state;
	struct worker workers[16] = { 0 };
	uint64_t results[STORE_REFUSED + 1] = { 0 };

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	for (unsigned i = 0; i < 16; i++) {
		workers[i] = (struct worker){ .f = f, .number = i + 1, .until_ms = clock_ticks_ms() + 2000 };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		wait_ms(150);
		ask(f->store, 500, 2, (const char *const[]){ "SCRIPT", "FLUSH" });
		if (i == 3)
			ask(f->store, 500, 6,
			    (const char *const[]){ "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no" });
		if (i == 5) {
			kill(f->server.pid, SIGSTOP);
			wait_ms(150);
			kill(f->server.pid, SIGCONT);
		}
	}
	for (unsigned i = 0; i < 16; i++) {
		pthread_join(workers[i].thread, NULL);
		for (unsigned k = 0; k <= STORE_REFUSED; k++)
			results[k] += workers[i].results[k];
	}
	const uint64_t count = (uint64_t)counted(f, "a");
	print_message("counted %llu, sure of %llu, unsure %llu, down %llu\n", (unsigned long long)count,
		      (unsigned long long)results[STORE_OK], (unsigned long long)results[STORE_UNSURE],
		      (unsigned long long)results[STORE_DOWN]);
	assert_int_equal(results[STORE_REFUSED], 0);
	assert_true(results[STORE_OK] > 100);
	assert_true(count >= results[STORE_OK] && count <= results[STORE_OK] + results[STORE_UNSURE]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_batch_is_answered_in_order),
		STORE_TEST(an_error_is_one_requests_own),
		STORE_TEST(only_whole_batches_of_up_to_eight),
		STORE_TEST(a_dead_server_is_told_at_once),
		STORE_TEST(a_frozen_server_costs_one_deadline_in_all),
		STORE_TEST(without_a_deadline_that_of_the_section_counts),
		STORE_TEST(flushed_scripts_are_loaded_and_counted_once),
		STORE_TEST(out_of_memory_is_refused_and_nothing_half_done),
		STORE_TEST(posts_of_both_kinds_are_written_in_order),
		STORE_TEST(posts_wait_out_an_outage_and_count_once),
		STORE_TEST(a_post_that_never_fits_is_refused),
		STORE_TEST(threads_get_their_own_answers_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
