/*
 * Limits: counted for all servers together, and by each for itself while the store is away; nothing twice, nothing
 * lost.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "log.h"
#include "store/inner.h"
#include "store/limit.h"
#include "system/clock.h"
#include "test/unit/store_fixture.h"

static struct span span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct limit_request request_of(const char *account, enum limit_mode mode, uint32_t n, uint32_t per_hour,
				       uint32_t per_day)
{
	struct limit_request request = { .mode = mode, .entity = span(account), .count = 1 };

	limit_name(request.limits[0].name, "account", span(""));
	request.limits[0].n = n;
	request.limits[0].per_hour = per_hour;
	request.limits[0].per_day = per_day;
	return request;
}

static enum store_result run(struct store *store, struct limit_request *request)
{
	struct limit_request *const requests[] = { request };

	return limit_run(store, requests, 1, 100);
}

/* What is asked before the store is there would be counted here, and told later. */
static void ready(struct store *store)
{
	struct store_secret secret;

	assert_true(answers(store));
	for (int i = 0; i < 50 && !store_secret(store, &secret); i++)
		wait_ms(100);
}

/* Asked again where the machine is busy; what counts needs a token for that. */
static struct limit_request sure(struct store *store, struct limit_request asked)
{
	struct limit_request request = asked;

	for (int i = 0; i < 50; i++) {
		request = asked;
		if (run(store, &request) == STORE_OK)
			return request;
		wait_ms(100);
	}
	fail_msg("no answer");
	return request;
}

static int64_t used(struct store *store, const char *account)
{
	return sure(store, request_of(account, LIMIT_CHECK, 0, 0, 0)).limits[0].used_day;
}

static bool becomes_used(struct store *store, const char *account, int64_t count, int64_t within_ms)
{
	const int64_t until = clock_ticks_ms() + within_ms;
	int64_t last = -1;

	while (clock_ticks_ms() < until) {
		last = used(store, account);
		if (last == count)
			return true;
		wait_ms(20);
	}
	print_message("used %lld instead of %lld\n", (long long)last, (long long)count);
	return false;
}

static struct store *open_another(struct fixture *f)
{
	char error[256] = "";
	struct store *store = store_open(&f->options, f->server.socket, error, sizeof(error));

	if (!store)
		fail_msg("%s", error);
	ready(store);
	return store;
}

static void two_servers_share_one_limit(void **state)
{
	struct fixture *f = *state;
	unsigned passed = 0;
	char token[24];

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	struct store *other = open_another(f);
	for (unsigned i = 0; i < 60; i++) {
		struct limit_request request = request_of("CP1098@srv03", LIMIT_COUNT, 1, 25, 0);
		snprintf(token, sizeof(token), "message %u", i);
		request.token = span(token);
		request = sure(i % 2 ? other : f->store, request);
		assert_false(request.local);
		assert_int_equal(request.fits, i < 25);
		assert_int_equal(request.counted, i < 25);
		passed += request.fits;
		assert_int_equal(request.limits[0].notices, i == 19 ? LIMIT_HOUR_NEAR : i == 24 ? LIMIT_HOUR_FULL : 0);
		if (!request.fits) {
			const int64_t wait = request.free_ms - clock_wall_ms();
			assert_true(wait > 3000000 && wait <= 4200000);
		}
	}
	assert_int_equal(passed, 25);
	assert_int_equal(used(other, "cp1098@SRV03"), 25);
	store_close(&other, 0);
}

static void a_message_that_is_tried_again_counts_once(void **state)
{
	struct fixture *f = *state;
	struct limit_request request;

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	struct store *other = open_another(f);
	for (unsigned i = 0; i < 10; i++) {
		request = request_of("a", LIMIT_COUNT, 3, 5, 0);
		request.token = span("<message-id@example> one@example two@example");
		request = sure(i % 2 ? other : f->store, request); /* the other server too */
		assert_true(request.fits && request.counted);
		assert_int_equal(request.again, i > 0);
	}
	assert_int_equal(used(f->store, "a"), 3);
	request = request_of("a", LIMIT_COUNT, 3, 5, 0);
	request.token = span("<another-id@example>");
	assert_false(sure(f->store, request).fits);
	store_close(&other, 0);
}

static void several_limits_count_together_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct limit_request request = request_of("a", LIMIT_COUNT, 2, 10, 0), got;

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	request.count = 2;
	limit_name(request.limits[1].name, "script", span("/home/a/www/x.php"));
	assert_string_equal(request.limits[1].name, "script:%2fhome%2fa%2fwww%2fx.php");
	request.limits[1].n = 2;
	request.limits[1].per_day = 3;
	request.token = span("1");
	got = sure(f->store, request);
	assert_true(got.counted);
	request.token = span("2");
	got = sure(f->store, request);
	assert_false(got.fits || got.counted);
	assert_int_equal(got.limits[0].free_ms, 0);
	assert_true(got.limits[1].free_ms > clock_wall_ms());
	assert_int_equal(got.limits[0].used_hour, 2);
	assert_int_equal(got.limits[1].used_day, 2);
	/* of another entity, with its own hash */
	request.entity = span("192.0.2.0/24");
	request.sub = span("network");
	got = sure(f->store, request);
	assert_true(got.counted);
}

/* ---- any hour, any day ------------------------------------------------------------------------- */

#define TRIES 4000

static int64_t passed_at[TRIES];
static uint32_t passed_n[TRIES];
static size_t passes;

static uint64_t since(int64_t since_ms)
{
	uint64_t sum = 0;

	for (size_t i = passes; i > 0 && passed_at[i - 1] > since_ms; i--)
		sum += passed_n[i - 1];
	return sum;
}

static unsigned chance(unsigned below)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x % below);
}

/* One of many tries at a time that we make up; what the script says is held against an exact log. */
static void try_at(struct store *store, const char *account, int64_t now, uint32_t n, uint32_t per_hour,
		   uint32_t per_day)
{
	char key[64], token[8], words[4][24];
	struct store_answer *got = NULL;

	/* a token, so that a busy machine can be asked again */
	snprintf(token, sizeof(token), "%04u", (unsigned)(now / 1000 % 10000));
	snprintf(key, sizeof(key), "leu:limit:{%s}", account);
	snprintf(words[0], sizeof(words[0]), "%lld", (long long)now);
	snprintf(words[1], sizeof(words[1]), "%u", n);
	snprintf(words[2], sizeof(words[2]), "%u", per_hour);
	snprintf(words[3], sizeof(words[3]), "%u", per_day);
	const struct span keys[] = { span(key) },
			  args[] = { span("count"),   span(token),    span("0"),      span(words[0]),
				     span("account"), span(words[1]), span(words[2]), span(words[3]) };
	const struct store_request request = { STORE_SCRIPT_LIMIT, keys, 1, args, 8 };
	for (int i = 0; i < 50; i++) {
		store_answers_free(&got);
		if (store_run(store, &request, 1, &got, 500) == STORE_OK)
			break;
		wait_ms(100);
	}
	assert_int_equal(got->result, STORE_OK);
	if (store_field_number(got, 1) == 1) {
		passed_at[passes] = now;
		passed_n[passes++] = n;
	}
	const uint64_t hour = (uint64_t)store_field_number(got, 7), day = (uint64_t)store_field_number(got, 9);
	if (store_field_number(got, 1) != 2) {
		assert_true(hour >= since(now - 3600000) && hour <= since(now - 3600000 - 600000));
		assert_true(day >= since(now - 86400000));
	}
	store_answers_free(&got);
}

static void no_hour_and_no_day_holds_more_than_the_limit(void **state)
{
	struct fixture *f = *state;
	static const struct {
		unsigned pause_ms, most, per_hour, per_day;
	} rows[] = { { 20000, 1, 50, 0 }, { 60000, 5, 100, 500 }, { 600000, 3, 10, 50 }, { 1800000, 20, 0, 100 } };

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char account[8];
		int64_t now = 1764066217123;

		passes = 0;
		snprintf(account, sizeof(account), "a%zu", i);
		for (unsigned k = 0; k < TRIES / 4; k++) {
			now += 1000 + chance(2 * rows[i].pause_ms);
			if (chance(200) == 0)
				now += chance(2) ? 43200000 : 3 * 86400000;
			try_at(f->store, account, now, 1 + chance(rows[i].most), rows[i].per_hour, rows[i].per_day);
			assert_true(!rows[i].per_hour || since(now - 3600000) <= rows[i].per_hour);
			assert_true(!rows[i].per_day || since(now - 86400000) <= rows[i].per_day);
		}
		assert_true(passes > 50);
	}
}

/* ---- while the store is away ------------------------------------------------------------------- */

static void each_server_holds_the_limit_alone_and_tells_later(void **state)
{
	struct fixture *f = *state;
	static const char *const more[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };
	struct store *servers[2];
	unsigned passed = 0;
	struct store_status status;

	NEEDS_SERVER(f);
	server_kill(&f->server, SIGKILL);
	assert_true(server_start(&f->server, more));
	open_store(f);
	ready(f->store);
	servers[0] = f->store;
	servers[1] = open_another(f);
	for (unsigned i = 0; i < 10; i++) { /* five of them are this server's own */
		struct limit_request request = request_of("a", LIMIT_COUNT, 1, 30, 0);
		char token[8];
		snprintf(token, sizeof(token), "%u", i);
		request.token = span(token);
		assert_true(sure(servers[i % 2], request).counted);
	}
	server_kill(&f->server, SIGKILL);
	for (unsigned k = 0; k < 2; k++)
		assert_true(becomes(servers[k], STORE_STATE_AWAY, 5000));
	for (unsigned i = 0; i < 100; i++) {
		struct limit_request request = request_of("a", LIMIT_COUNT, 1, 30, 0);
		const int64_t before = now_us();
		assert_int_equal(run(servers[i % 2], &request), STORE_DOWN);
		assert_true(now_us() - before < 100000);
		assert_true(request.local);
		passed += request.fits;
	}
	assert_int_equal(passed, 2 * (30 - 5));
	store_status(f->store, &status);
	assert_int_equal(status.local, 50);
	assert_true(server_start(&f->server, more));
	for (unsigned k = 0; k < 2; k++)
		assert_true(becomes(servers[k], STORE_STATE_UP, 5000));
	assert_true(becomes_used(f->store, "a", 10 + 50, 10000)); /* nothing lost, nothing twice */
	wait_ms(200);
	assert_int_equal(used(f->store, "a"), 60);
	assert_false(sure(f->store, request_of("a", LIMIT_CHECK, 1, 30, 0)).fits);
	store_close(&servers[1], 0);
}

static void what_was_sent_into_the_blue_counts_once(void **state)
{
	struct fixture *f = *state;
	unsigned passed = 0;

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	for (int round = 0; round < 3; round++) {
		kill(f->server.pid, SIGSTOP);
		for (unsigned i = 0; i < 5; i++) { /* the first is unsure, those after it are told at once */
			struct limit_request request = request_of("a", LIMIT_COUNT, 2, 1000, 0);
			char token[16];
			snprintf(token, sizeof(token), "%d.%u", round, i);
			request.token = span(token);
			const enum store_result result = run(f->store, &request);
			assert_true(i > 0 || result == STORE_UNSURE);
			assert_true(request.local && request.fits);
			passed += 2;
		}
		wait_ms(round * 300);
		kill(f->server.pid, SIGCONT);
		assert_true(becomes_used(f->store, "a", passed, 10000));
	}
	wait_ms(200);
	assert_int_equal(used(f->store, "a"), passed);
}

static void a_server_that_takes_no_writes_is_told_when_it_does(void **state)
{
	struct fixture *f = *state;
	struct limit_request request;

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	ready(f->store);
	request = request_of("a", LIMIT_COUNT, 1, 3, 0);
	request.token = span("first");
	assert_true(sure(f->store, request).counted);
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory", "1" }), STORE_OK);
	unsigned passed = 0;
	for (int i = 0; i < 10; i++) {
		request = request_of("a", LIMIT_COUNT, 1, 3, 0);
		run(f->store, &request);
		assert_true(request.local);
		passed += request.fits;
	}
	assert_int_equal(passed, 2);
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory", "0" }), STORE_OK);
	for (int i = 0; i < 10; i++) { /* it does not know of those two yet */
		request = request_of("a", LIMIT_COUNT, 1, 3, 0);
		run(f->store, &request);
		assert_false(request.fits);
	}
	assert_true(becomes_used(f->store, "a", 3, 10000));
}

static void what_nobody_waits_for_is_counted_too(void **state)
{
	struct fixture *f = *state;
	struct limit_request request;

	NEEDS_SERVER(f);
	open_store(f); /* not even connected yet */
	for (unsigned i = 0; i < 40; i++) {
		request = request_of("16digits", LIMIT_OBSERVE, 1, 20, 0);
		request.sub = span("victim");
		limit_post(&request, f->store);
		assert_true(request.local);
		assert_int_equal(request.fits, i < 20);
	}
	assert_true(written(f->store, 40, 20000));
	request = request_of("16digits", LIMIT_CHECK, 1, 20, 0);
	request.sub = span("victim");
	request = sure(f->store, request);
	assert_int_equal(request.limits[0].used_hour, 40);
	limit_post(&request, NULL);
	limit_answer(&request, NULL, NULL);
	assert_true(request.fits);
}

/* ---- many threads ------------------------------------------------------------------------------ */

static atomic_uint sum_passed, sum_unsure;

static void *attack(void *arg)
{
	struct fixture *f = arg;
	const int64_t until = clock_ticks_ms() + 1500;
	static atomic_uint number;

	while (clock_ticks_ms() < until) {
		struct limit_request request = request_of("a", LIMIT_COUNT, 1, 20000, 0);
		char token[16];
		snprintf(token, sizeof(token), "%u", atomic_fetch_add(&number, 1));
		request.token = span(token);
		atomic_fetch_add(&sum_unsure, run(f->store, &request) == STORE_UNSURE);
		atomic_fetch_add(&sum_passed, request.fits);
	}
	return NULL;
}

static void an_attack_by_many_threads_gets_no_more_whatever_happens(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[16];

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	atomic_store(&sum_passed, 0);
	for (int i = 0; i < 16; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, attack, f), 0);
	for (int i = 0; i < 4; i++) {
		wait_ms(100);
		ask(f->store, 500, 2, (const char *const[]){ "SCRIPT", "FLUSH" });
		kill(f->server.pid, SIGSTOP);
		wait_ms(120 + i * 100);
		kill(f->server.pid, SIGCONT);
	}
	for (int i = 0; i < 16; i++)
		pthread_join(threads[i], NULL);
	const unsigned passed = atomic_load(&sum_passed);
	assert_true(passed > 0 && passed <= 40000); /* the store's 20000, and this server's while it was away */
	wait_ms(500);
	const int64_t count = used(f->store, "a"), unsure = atomic_load(&sum_unsure);
	print_message("%u passed, %lld counted, %lld unsure\n", passed, (long long)count, (long long)unsure);
	/* never less; more by what the store counted while this server refused it, and did not know */
	assert_true(count >= passed && count <= passed + unsure);
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static void when_it_refused_is_known_with_the_store_and_without(void **state)
{
	struct fixture *f = *state;
	struct limit_request got;

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	ready(f->store);
	got = sure(f->store, request_of("a", LIMIT_COUNT, 6, 5, 0));
	assert_true(!got.fits && got.refused_ms == 0 && got.full_since_ms == 0);
	got = sure(f->store, request_of("a", LIMIT_CHECK, 1, 5, 0));
	assert_true(got.refused_ms > clock_wall_ms() - 30000 && got.refused_ms <= clock_wall_ms());
	/* as if that had been in the middle of an attack of two hours; the store says it by the minute */
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "HSET", "leu:limit:{a}", "refused", "9 30 120" }),
			 STORE_OK);
	got = sure(f->store, request_of("a", LIMIT_CHECK, 1, 5, 0));
	assert_in_range(clock_wall_ms() - got.refused_ms, 1800000, 1950000);
	assert_in_range(clock_wall_ms() - got.full_since_ms, 7200000, 7350000);
	server_kill(&f->server, SIGKILL);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	got = request_of("a", LIMIT_COUNT, 6, 5, 0);
	run(f->store, &got);
	assert_true(got.local && !got.fits);
	assert_in_range(clock_wall_ms() - got.refused_ms, 1800000, 1950000);
	got = request_of("a", LIMIT_COUNT, 1, 5, 0);
	run(f->store, &got);
	assert_true(got.local && got.fits && got.refused_ms > clock_wall_ms() - 30000);
	assert_in_range(clock_wall_ms() - got.full_since_ms, 7200000, 7350000);
}

/* ---- guests ------------------------------------------------------------------------------------ */

static struct limit_request victim_of(const char *account, unsigned number, char entity[17])
{
	struct limit_request request = { .mode = LIMIT_COUNT, .sub = span("victim"), .count = 1 };

	snprintf(entity, 17, "%016x", number);
	request.entity = span(entity);
	request.by = span(account);
	limit_name(request.limits[0].name, "victim", span(""));
	request.limits[0] = (struct limit){ .name = "victim", .n = 1, .per_hour = 3 };
	return request;
}

static void nobody_brings_in_as_many_guests_as_he_likes(void **state)
{
	struct fixture *f = *state;
	struct limit_request request, got;
	unsigned counted = 0;
	char entity[17];

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	for (unsigned i = 0; i < LIMIT_GUESTS_HOUR + 500; i++) {
		request = victim_of("a", i, entity);
		if (i % 2) {
			request.token = span(entity);
			request = sure(f->store, request);
		} else {
			limit_post(&request, f->store);
		}
		assert_true(request.fits);
		counted += request.counted;
	}
	assert_int_equal(counted, LIMIT_GUESTS_HOUR);
	assert_true(written(f->store, LIMIT_GUESTS_HOUR / 2, 20000));
	/* those that are known go on to be protected, from him too */
	for (unsigned i = 0; i < 3; i++) {
		request = victim_of("a", 1, entity);
		request.token = span((const char *const[]){ "x", "y", "z" }[i]);
		got = sure(f->store, request);
		assert_int_equal(got.limits[0].used_hour, 1);
		assert_false(got.counted);
	}
	/* and others bring in theirs */
	request = victim_of("b", 1000000, entity);
	request.token = span("1");
	assert_true(sure(f->store, request).counted);
	request = victim_of("", 1000001, entity);
	request.token = span("1");
	assert_true(sure(f->store, request).counted);
}

/* ---- clocks ------------------------------------------------------------------------------------ */

/* As if the server's clock had jumped since it counted of this account: by `jump_ms`, to where it is `off_ms` off. */
static void jump(struct fixture *f, const char *account, int64_t jump_ms, int64_t off_ms)
{
	const time_t before = (clock_wall_ms() - off_ms) / 1000;
	char key[64], text[32];
	struct tm tm;

	snprintf(key, sizeof(key), "leu:limit:{%s}", account);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", gmtime_r(&before, &tm));
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "HSET", key, "last_text", text }), STORE_OK);
	pthread_mutex_lock(&f->store->lock);
	f->store->steady.ticks_ms -= jump_ms;
	pthread_mutex_unlock(&f->store->lock);
}

static void a_clock_that_jumps_neither_locks_nor_unlocks(void **state)
{
	struct fixture *f = *state;
	static const int64_t jumps[] = { 3600000, 86400000, -3600000, -86400000 };
	char account[8];

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	ready(f->store);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(account, sizeof(account), "a%u", i);
		struct limit_request request = request_of(account, LIMIT_COUNT, 5, 8, 8), got;
		request.token = span("first");
		assert_true(sure(f->store, request).counted);
		jump(f, account, jumps[i], jumps[i]);
		request.token = span("second");
		got = sure(f->store, request);
		assert_false(got.local || got.fits);
		assert_int_equal(got.limits[0].used_hour, 5);
		/* said in our own time */
		assert_in_range(got.free_ms - clock_wall_ms(), 86400000 - 60000, 86400000 + 4200000);
		assert_in_range(llabs(f->store->steady.ahead_ms + jumps[i]), 0, 30000);
		/* what is told without waiting goes by the same time, and so does another server that starts now */
		request = request_of(account, LIMIT_OBSERVE, 2, 8, 8);
		limit_post(&request, f->store);
		assert_true(becomes_used(f->store, account, 7, 10000));
		assert_true(store_since(f->store) > 0);
		f->store->secret_at = INT64_MIN / 2;
		ready(f->store);
		struct store *other = open_another(f);
		got = sure(other, request_of(account, LIMIT_CHECK, 2, 8, 8));
		assert_false(got.fits);
		assert_int_equal(got.limits[0].used_hour, 7);
		assert_in_range(llabs(other->steady.ahead_ms + jumps[i]), 0, 30000);
		store_close(&other, 0);
		/* and when it is right again */
		jump(f, account, -jumps[i], 0);
		assert_int_equal(used(f->store, account), 7);
		assert_int_equal(f->store->steady.ahead_ms, 0);
		f->store->secret_at = INT64_MIN / 2;
		ready(f->store);
	}
}

/* ---- the admin --------------------------------------------------------------------------------- */

static unsigned listed;

static bool see_override(void *arg, const struct limit_override *override, const char *words)
{
	const struct limit_override *set = arg;

	listed++;
	assert_string_equal(override->name, set->name);
	assert_int_equal(override->per_hour, set->per_hour);
	assert_int_equal(override->per_day, set->per_day);
	assert_true(override->until_ms / 1000 == set->until_ms / 1000);
	assert_non_null(strstr(words, "by root: newsletter, as agreed"));
	return true;
}

static void an_admins_limit_is_in_force_everywhere(void **state)
{
	struct fixture *f = *state;
	struct limit_override override = {
		"account", 100, 0, clock_wall_ms() + 3600000, "newsletter, as agreed", "root"
	};
	struct limit_request request = request_of("a", LIMIT_COUNT, 50, 10, 20);
	char error[256];
	enum store_result result = STORE_DOWN;

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	ready(f->store);
	assert_false(sure(f->store, request).fits);
	for (int i = 0; i < 20 && result != STORE_OK; i++)
		result = limit_override_set(f->store, "A", &override, error, sizeof(error), 2000);
	assert_int_equal(result, STORE_OK);
	listed = 0;
	assert_int_equal(limit_override_list(f->store, "a", see_override, &override, 2000), STORE_OK);
	assert_int_equal(listed, 1);
	request.token = span("x");
	struct limit_request got = sure(f->store, request);
	assert_true(got.counted);
	assert_int_equal(got.limits[0].per_hour, 100);
	assert_true(got.limits[0].overridden_ms > clock_wall_ms() + 3000000);

	kill(f->server.pid, SIGSTOP); /* it stays so while the store is away */
	got = request_of("a", LIMIT_COUNT, 50, 10, 20);
	run(f->store, &got);
	assert_true(got.local && got.fits);
	got = request_of("a", LIMIT_COUNT, 1, 10, 20);
	run(f->store, &got);
	assert_false(got.fits);
	kill(f->server.pid, SIGCONT);
	assert_true(answers(f->store));

	override.until_ms = 1;
	assert_int_equal(limit_override_set(f->store, "a", &override, error, sizeof(error), 2000), STORE_REFUSED);
	assert_non_null(strstr(error, "366 days"));
	assert_int_equal(limit_override_drop(f->store, "a", "account", 2000), STORE_OK);
	assert_int_equal(limit_override_drop(f->store, "a", NULL, 2000), STORE_NONE);
	assert_int_equal(limit_override_list(f->store, "a", see_override, &override, 2000), STORE_NONE);
	assert_int_equal(limit_reset(f->store, span("a"), span(""), (const char *const[]){ "other" }, 1, 2000),
			 STORE_NONE);
	assert_int_equal(limit_reset(f->store, span("A"), span(""), NULL, 0, 2000), STORE_OK);
	assert_int_equal(limit_reset(f->store, span("a"), span(""), NULL, 0, 2000), STORE_NONE);
	assert_int_equal(used(f->store, "a"), 0);
}

static bool see_field(void *arg, const char *account, const char *field, const char *value)
{
	unsigned *seen = arg;

	assert_string_equal(account, "a");
	if (strcmp(field, "account") == 0)
		assert_string_equal(value, "5/10 5/- 5");
	++*seen;
	return true;
}

static void an_admin_reads_it(void **state)
{
	struct fixture *f = *state;
	struct limit_request request = request_of("a", LIMIT_COUNT, 5, 10, 0);
	unsigned seen = 0;

	NEEDS_SERVER(f);
	open_store(f);
	ready(f->store);
	request.token = span("x");
	sure(f->store, request);
	request.sub = span("network"); /* is no account's */
	sure(f->store, request);
	assert_int_equal(store_fields(f->store, "limit", "A", see_field, &seen, 2000), STORE_OK);
	assert_int_equal(seen, 3);
	assert_int_equal(store_fields(f->store, "limit", NULL, see_field, &seen, 2000), STORE_OK);
	assert_int_equal(seen, 6);
	assert_int_equal(store_fields(f->store, "limit", "b", see_field, &seen, 2000), STORE_NONE);
}

static void names_of_any_length_stay_different(void **state)
{
	char one[LIMIT_NAME_SIZE], other[LIMIT_NAME_SIZE], path[400];

	(void)state;
	for (size_t len = 10; len < 399; len++) {
		memset(path, len % 2 ? 'x' : '\377', len);
		limit_name(one, "script", (struct span){ path, len });
		path[len / 2] = 'y';
		limit_name(other, "script", (struct span){ path, len });
		assert_string_not_equal(one, other);
		assert_true(strlen(one) < LIMIT_NAME_SIZE);
		assert_memory_equal(one, "script:", 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(two_servers_share_one_limit),
		STORE_TEST(a_message_that_is_tried_again_counts_once),
		STORE_TEST(several_limits_count_together_or_not_at_all),
		STORE_TEST(no_hour_and_no_day_holds_more_than_the_limit),
		STORE_TEST(each_server_holds_the_limit_alone_and_tells_later),
		STORE_TEST(what_was_sent_into_the_blue_counts_once),
		STORE_TEST(a_server_that_takes_no_writes_is_told_when_it_does),
		STORE_TEST(what_nobody_waits_for_is_counted_too),
		STORE_TEST(an_attack_by_many_threads_gets_no_more_whatever_happens),
		STORE_TEST(when_it_refused_is_known_with_the_store_and_without),
		STORE_TEST(nobody_brings_in_as_many_guests_as_he_likes),
		STORE_TEST(a_clock_that_jumps_neither_locks_nor_unlocks),
		STORE_TEST(an_admins_limit_is_in_force_everywhere),
		STORE_TEST(an_admin_reads_it),
		cmocka_unit_test(names_of_any_length_stay_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
