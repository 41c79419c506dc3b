/*
 * Dead mailboxes, the account's own list of them, and waves.
 */
#include <signal.h>
#include <stdio.h>

#include "store/dead.h"
#include "store/wave.h"
#include "system/clock.h"
#include "test/unit/store_fixture.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static const struct dead_rule rule = { 3, 3, 20 * HOUR_MS, 90 * DAY_MS, 30 * DAY_MS };
static const struct dead_of_rule of_rule = { 3, 90 * DAY_MS };
static const struct wave_rule wave_rule = { 3, 50, 2 * HOUR_MS };

static struct store_answer *run(struct store *store, const struct store_request *asked)
{
	struct store_answer *got = NULL;

	for (int i = 0; i < 50; i++) {
		store_answers_free(&got);
		if (store_run(store, asked, 1, &got, 5000) == STORE_OK)
			break;
		wait_ms(100);
	}
	return got;
}

static struct dead_request dead(struct store *store, enum dead_mode mode, const char *token, int64_t ago_ms)
{
	struct dead_request request = {
		.mode = mode,
		.rule = &rule,
		.address = span_of("nobody@hotmail.com"),
		.token = span_of(token),
		.at_ms = ago_ms ? clock_wall_ms() - ago_ms : 0,
		.account = span_of("Shop 1"),
		.said_by = span_of("hotmail.com"),
		.said = span_of("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."),
	};
	struct store_secret secret;

	for (int i = 0; i < 50 && !store_secret(store, &secret); i++)
		wait_ms(100); /* without it there are no tokens */
	const struct store_request asked = dead_ask(&request, store);
	struct store_answer *got = run(store, &asked);
	assert_true(dead_answer(&request, got));
	store_answers_free(&got);
	return request;
}

static void three_attempts_on_three_days_then_none(void **state)
{
	struct fixture *f = *state;
	struct dead_request got;

	NEEDS_SERVER(f);
	open_store(f);
	got = dead(f->store, DEAD_LOOK, "", 0);
	assert_true(got.state == DEAD_UNKNOWN && got.next_ms == 0 && !*got.by);
	assert_true(dead(f->store, DEAD_RESERVE, "m0", 0).may_go);
	got = dead(f->store, DEAD_FAIL, "e1", 5 * DAY_MS);
	assert_true(got.counted && !got.newly_dead && got.state == DEAD_WATCHED && got.attempts == 1);
	assert_string_equal(got.by, "hotmail.com");
	assert_string_equal(got.words, "550 5.5.0 Requested action not taken: mailbox un");
	assert_string_equal(got.accounts, "shop%201");
	got = dead(f->store, DEAD_FAIL, "e1", 3 * DAY_MS);
	assert_true(got.again && !got.counted);
	got = dead(f->store, DEAD_FAIL, "e2", 3 * DAY_MS);
	assert_true(got.counted && got.attempts == 2 && got.next_ms == 0);
	got = dead(f->store, DEAD_RESERVE, "m1", 0);
	assert_true(got.may_go && got.next_ms > clock_wall_ms() + 19 * HOUR_MS);
	assert_true(dead(f->store, DEAD_RESERVE, "m1", 0).may_go);
	assert_false(dead(f->store, DEAD_RESERVE, "m2", 0).may_go);
	got = dead(f->store, DEAD_FAIL, "e3", 0);
	assert_true(got.newly_dead && got.counted && got.state == DEAD_DEAD && got.next_ms == -1);
	assert_true(got.last_ms > clock_wall_ms() - 60000 && got.until_ms > clock_wall_ms() + 89 * DAY_MS);
	assert_true(got.first_ms < clock_wall_ms() - 4 * DAY_MS);
	assert_false(dead(f->store, DEAD_FAIL, "e4", 0).newly_dead);
	assert_false(dead(f->store, DEAD_RESERVE, "m3", 0).may_go);
	assert_true(dead(f->store, DEAD_REFUSE, "r1", 0).counted);
	got = dead(f->store, DEAD_REFUSE, "r1", 0);
	assert_true(got.again && got.refused == 1);
	assert_false(dead(f->store, DEAD_CLEAR, "", HOUR_MS).counted); /* a delivery of before */
	got = dead(f->store, DEAD_CLEAR, "", 0);
	assert_true(got.counted);
	assert_string_equal(got.accounts, "shop%201");
	assert_int_equal(dead(f->store, DEAD_LOOK, "", 0).state, DEAD_UNKNOWN);
}

static void posted_events_arrive(void **state)
{
	struct fixture *f = *state;
	struct dead_request fail = { .mode = DEAD_FAIL, .rule = &rule, .address = span_of("nobody@hotmail.com") };

	NEEDS_SERVER(f);
	open_store(f);
	const struct store_request asked = dead_ask(&fail, f->store);
	assert_true(store_post(f->store, &asked));
	assert_true(written(f->store, 1, 20000));
	assert_int_equal(dead(f->store, DEAD_LOOK, "", 0).state, DEAD_WATCHED);
}

static void bad_rules_are_refused_and_tell_nothing(void **state)
{
	static const struct dead_rule bad[] = { { 0, 0, 0, DAY_MS, DAY_MS },
						{ 3, 4, 0, DAY_MS, DAY_MS },
						{ 3, 3, -1, DAY_MS, DAY_MS },
						{ 3, 3, 0, 0, DAY_MS } };
	struct fixture *f = *state;

	NEEDS_SERVER(f);
	open_store(f);
	dead(f->store, DEAD_FAIL, "", 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dead_request request = { .rule = &bad[i], .address = span_of("nobody@hotmail.com") };
		const struct store_request asked = dead_ask(&request, f->store);
		struct store_answer *got;

		request.state = DEAD_DEAD;
		assert_int_equal(store_run(f->store, &asked, 1, &got, 1000), STORE_REFUSED);
		assert_false(dead_answer(&request, got));
		assert_int_equal(request.state, DEAD_UNKNOWN);
		store_answers_free(&got);
	}
}

static void without_an_answer_nothing_is_made_of_it(void **state)
{
	struct dead_request dead_one = { .state = DEAD_DEAD, .may_go = true };
	struct dead_of_request of = { .was_new = true };
	struct wave_request wave = { .frozen = true, .alarm = true };
	const struct store_answer down = { STORE_DOWN, 0, NULL };

	(void)state;
	assert_false(dead_answer(&dead_one, NULL));
	assert_true(dead_one.state == DEAD_UNKNOWN && !dead_one.may_go);
	assert_false(dead_answer(&dead_one, &down));
	assert_false(dead_of_answer(&of, &down));
	assert_false(of.was_new);
	assert_false(wave_answer(&wave, &down));
	assert_true(!wave.frozen && !wave.alarm);
}

static int add(struct store *store, const char *address, int64_t ago_ms, enum dead_of_mode mode)
{
	struct dead_of_request request = { .mode = mode,
					   .rule = &of_rule,
					   .account = span_of("Shop 1"),
					   .address = span_of(address),
					   .at_ms = clock_wall_ms() - ago_ms };
	const struct store_request asked = dead_of_ask(&request);
	struct store_answer *got = run(store, &asked);

	assert_true(dead_of_answer(&request, got));
	store_answers_free(&got);
	return request.was_full ? -1 : request.was_new;
}

struct listed {
	char text[256];
	int64_t last_ms;
};

static bool list_each(void *arg, const char *address, int64_t last_ms)
{
	struct listed *listed = arg;
	const size_t len = strlen(listed->text);

	assert_true(listed->last_ms == 0 || last_ms <= listed->last_ms);
	listed->last_ms = last_ms;
	snprintf(listed->text + len, sizeof(listed->text) - len, "%s ", address);
	return strncmp(address, "c@", 2) != 0;
}

static void an_account_has_a_list_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct listed listed = { "", 0 };

	NEEDS_SERVER(f);
	open_store(f);
	assert_int_equal(add(f->store, "A@hotmail.com", 4 * HOUR_MS, DEAD_OF_ADD), 1);
	assert_int_equal(add(f->store, "a@hotmail.com", 3 * HOUR_MS, DEAD_OF_ADD), 0);
	assert_int_equal(add(f->store, "x y@hotmail.com", 2 * HOUR_MS, DEAD_OF_ADD), 1);
	assert_int_equal(add(f->store, "c@hotmail.com", HOUR_MS, DEAD_OF_ADD), 1);
	assert_int_equal(add(f->store, "d@hotmail.com", 0, DEAD_OF_ADD), -1);
	assert_int_equal(dead_of_list(f->store, "shop 1", &of_rule, list_each, &listed, 1000), STORE_OK);
	assert_string_equal(listed.text, "d@hotmail.com c@hotmail.com ");
	add(f->store, "c@hotmail.com", 0, DEAD_OF_DROP);
	listed = (struct listed){ "", 0 };
	assert_int_equal(dead_of_list(f->store, "shop 1", &of_rule, list_each, &listed, 1000), STORE_OK);
	assert_string_equal(listed.text, "d@hotmail.com x%20y@hotmail.com ");
	assert_int_equal(dead_of_list(f->store, "nobody", &of_rule, list_each, &listed, 1000), STORE_NONE);
	server_kill(&f->server, SIGKILL);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_int_equal(dead_of_list(f->store, "shop 1", &of_rule, list_each, &listed, 1000), STORE_DOWN);
}

static struct wave_request wave(struct store *store, enum wave_mode mode, const char *address)
{
	struct wave_request request = { .mode = mode,
					.rule = &wave_rule,
					.provider = span_of("microsoft"),
					.address = span_of(address),
					.share = 60 };
	const struct store_request asked = wave_ask(&request);
	struct store_answer *got = run(store, &asked);

	assert_true(wave_answer(&request, got));
	store_answers_free(&got);
	return request;
}

static void a_wave_freezes_and_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct wave_request got;

	NEEDS_SERVER(f);
	open_store(f);
	assert_false(wave(f->store, WAVE_DEAD, "a@hotmail.com").frozen);
	assert_int_equal(wave(f->store, WAVE_DEAD, "b@hotmail.com").count, 2);
	got = wave(f->store, WAVE_DEAD, "c@hotmail.com");
	assert_true(got.frozen && got.alarm && got.until_ms > clock_wall_ms() + HOUR_MS);
	got = wave(f->store, WAVE_DEAD, "d@hotmail.com");
	assert_true(got.frozen && !got.alarm);
	assert_true(wave(f->store, WAVE_LOOK, "").frozen);
	assert_false(wave(f->store, WAVE_END, "").frozen);
	assert_false(wave(f->store, WAVE_LOOK, "").frozen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(three_attempts_on_three_days_then_none),
		STORE_TEST(posted_events_arrive),
		STORE_TEST(bad_rules_are_refused_and_tell_nothing),
		cmocka_unit_test(without_an_answer_nothing_is_made_of_it),
		STORE_TEST(an_account_has_a_list_of_its_own),
		STORE_TEST(a_wave_freezes_and_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
