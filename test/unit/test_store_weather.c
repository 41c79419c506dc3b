/*
 * A provider's weather, its budget and who used it, and complaints.
 */
#include <signal.h>
#include <stdio.h>

#include "store/budget.h"
#include "store/complaint.h"
#include "store/weather.h"
#include "system/clock.h"
#include "test/unit/store_fixture.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (1440 * MINUTE_MS)

static const struct weather_rule rule = {
	.open_ms = 60 * MINUTE_MS,
	.open_most_ms = 480 * MINUTE_MS,
	.quiet_ms = DAY_MS,
	.probes = 2,
	.probe_wait_ms = 10 * MINUTE_MS,
	.ramp_ms = 60 * MINUTE_MS,
	.warn_ms = 30 * MINUTE_MS,
	.unknown_hour = 20,
	.unknown_day = 50,
	.percent = 10,
	.sample = 40,
};

static struct store_answer *run(struct store *store, const struct store_request *asked)
{
	struct store_answer *got = NULL;

	for (int i = 0; i < 50; i++) {
		store_answers_free(&got);
		/* an event without a token must not come twice */
		if (store_run(store, asked, 1, &got, 5000) == STORE_OK)
			break;
		wait_ms(100);
	}
	return got;
}

static void wait_for_secret(struct store *store, struct store_secret *secret)
{
	for (int i = 0; i < 50 && !store_secret(store, secret); i++)
		wait_ms(100);
}

/* ---- weather ------------------------------------------------------------------------------------------------------
 */

static struct weather_request weather(struct store *store, enum weather_mode mode, enum weather_event event, int64_t n,
				      int64_t ago_ms, const char *token)
{
	struct weather_request request = {
		.mode = mode,
		.rule = &rule,
		.provider = span_of("microsoft"),
		.egress = span_of("2001:db8::1"),
		.token = span_of(token),
		.at_ms = ago_ms ? clock_wall_ms() - ago_ms : 0,
		.event = event,
		.n = n,
		.said = span_of("550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent, S3150"),
	};
	const struct store_request asked = weather_ask(&request, store);
	struct store_answer *got = run(store, &asked);

	assert_true(weather_answer(&request, got));
	store_answers_free(&got);
	return request;
}

static void a_block_closes_probes_open(void **state)
{
	struct fixture *f = *state;
	struct store_secret secret;
	struct weather_request got;

	NEEDS_SERVER(f);
	open_store(f);
	wait_for_secret(f->store, &secret);
	got = weather(f->store, WEATHER_LOOK, WEATHER_DELIVERED, 0, 0, "");
	assert_true(got.state == WEATHER_GREEN && got.until_ms == 0 && !*got.reason);
	got = weather(f->store, WEATHER_EVENT, WEATHER_WARNING, 1, 0, "e1");
	assert_true(got.state == WEATHER_YELLOW && got.changed && got.counted);
	assert_true(weather(f->store, WEATHER_EVENT, WEATHER_WARNING, 1, 0, "e1").again);
	got = weather(f->store, WEATHER_EVENT, WEATHER_BLOCK, 1, 59 * MINUTE_MS, "e2");
	assert_true(got.state == WEATHER_RED && got.changed && got.blocks == 1);
	assert_in_range(got.until_ms, clock_wall_ms() + MINUTE_MS / 2, clock_wall_ms() + MINUTE_MS);
	assert_string_equal(got.reason, "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't s");
	assert_false(weather(f->store, WEATHER_PROBE, WEATHER_DELIVERED, 0, 0, "m1").may_go);
	assert_int_equal(weather(f->store, WEATHER_RESET, WEATHER_DELIVERED, 0, 0, "").state, WEATHER_GREEN);

	got = weather(f->store, WEATHER_EVENT, WEATHER_BLOCK, 1, 61 * MINUTE_MS, "e3");
	assert_int_equal(got.state, WEATHER_HALF_OPEN);
	assert_true(weather(f->store, WEATHER_PROBE, WEATHER_DELIVERED, 0, 0, "m1").may_go);
	assert_true(weather(f->store, WEATHER_PROBE, WEATHER_DELIVERED, 0, 0, "m1").may_go);
	assert_true(weather(f->store, WEATHER_PROBE, WEATHER_DELIVERED, 0, 0, "m2").may_go);
	assert_false(weather(f->store, WEATHER_PROBE, WEATHER_DELIVERED, 0, 0, "m3").may_go);
	assert_int_equal(weather(f->store, WEATHER_EVENT, WEATHER_DELIVERED, 1, 0, "e4").state, WEATHER_HALF_OPEN);
	got = weather(f->store, WEATHER_EVENT, WEATHER_DELIVERED, 1, 0, "e5");
	assert_true(got.state == WEATHER_YELLOW && got.changed);
	assert_string_equal(got.reason, "probes passed");
}

static void unknown_recipients_make_it_yellow(void **state)
{
	struct fixture *f = *state;
	struct weather_request got;

	NEEDS_SERVER(f);
	open_store(f);
	weather(f->store, WEATHER_EVENT, WEATHER_UNKNOWN, 1, 0, "");
	weather(f->store, WEATHER_EVENT, WEATHER_DELIVERED, 999, 0, "");
	got = weather(f->store, WEATHER_EVENT, WEATHER_UNKNOWN, 18, 0, "");
	assert_true(got.state == WEATHER_GREEN && got.sent_hour == 999 && got.unknown_day == 19);
	assert_int_equal(weather_share(&got), 1);
	got = weather(f->store, WEATHER_EVENT, WEATHER_UNKNOWN, 1, 0, "");
	assert_true(got.state == WEATHER_YELLOW && got.unknown_hour == 20);
	assert_string_equal(weather_state_names[got.state], "yellow");
}

static void without_an_answer_it_is_green(void **state)
{
	const struct store_answer down = { STORE_DOWN, 0, NULL };
	struct weather_request request = { .state = WEATHER_RED, .may_go = true };
	struct budget_request budget = { .done = true };
	struct complaint_request complaint = { .had = { true }, .contacts = { .count = 1 } };

	(void)state;
	assert_false(weather_answer(&request, NULL));
	assert_true(request.state == WEATHER_GREEN && !request.may_go);
	assert_int_equal(weather_share(&request), 0);
	assert_false(weather_answer(&request, &down));
	assert_false(budget_answer(&budget, &down));
	assert_false(budget.done);
	assert_false(complaint_answer(&complaint, NULL));
	assert_false(complaint.had[0]);
}

/* ---- budget -------------------------------------------------------------------------------------------------------
 */

static void one_account_may_use_a_share_of_the_budget(void **state)
{
	static const struct budget_rule budget = { { 10, 5 }, 30 };
	struct limit_request provider, account;
	struct limit_request *both[] = { &provider, &account };
	struct fixture *f = *state;

	assert_int_equal(budget_share(&budget, BUDGET_UNKNOWN), 3);
	assert_int_equal(budget_share(&budget, BUDGET_COMPLAINT), 1);
	assert_int_equal(budget_share(&(const struct budget_rule){ { 10, 0 }, 0 }, BUDGET_UNKNOWN), 0);
	assert_int_equal(budget_share(&(const struct budget_rule){ { 10, 0 }, 50 }, BUDGET_COMPLAINT), 0);
	assert_int_equal(budget_share(&(const struct budget_rule){ { 1, 0 }, 1 }, BUDGET_UNKNOWN), 1);
	NEEDS_SERVER(f);
	open_store(f);
	for (int i = 0; i < 4; i++) {
		budget_limit(&provider, LIMIT_OBSERVE, &budget, BUDGET_UNKNOWN, span_of("microsoft"), span_of(""), 1);
		budget_limit(&account, LIMIT_OBSERVE, &budget, BUDGET_UNKNOWN, span_of("microsoft"), span_of("shop"),
			     1);
		limit_run(f->store, both, 2, 5000);
	}
	assert_false(account.fits); /* the fourth of three */
	assert_true(provider.fits);
	budget_limit(&account, LIMIT_CHECK, &budget, BUDGET_UNKNOWN, span_of("microsoft"), span_of("forum"), 1);
	limit_run(f->store, both + 1, 1, 5000);
	assert_true(account.fits);
	budget_limit(&provider, LIMIT_CHECK, &budget, BUDGET_UNKNOWN, span_of("microsoft"), span_of(""), 7);
	limit_run(f->store, both, 1, 5000);
	assert_false(provider.fits);
	assert_int_equal(provider.limits[0].used_day, 4);
}

static struct budget_request ask_budget(struct store *store, struct budget_request request)
{
	request.provider = span_of("microsoft");
	request.way_ms = 15 * MINUTE_MS;
	const struct store_request asked = budget_ask(&request, store);
	struct store_answer *got = run(store, &asked);

	assert_true(budget_answer(&request, got));
	store_answers_free(&got);
	return request;
}

static bool user_each(void *arg, const struct budget_user *user)
{
	char *out = arg;

	assert_int_equal(strlen(user->day), 10);
	snprintf(out, 64, "%s %d %d", user->account, (int)user->used[BUDGET_UNKNOWN],
		 (int)user->used[BUDGET_COMPLAINT]);
	return true;
}

static void who_used_it_and_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct store_secret secret;
	struct budget_request got;
	char who[64] = "";

	NEEDS_SERVER(f);
	open_store(f);
	wait_for_secret(f->store, &secret);
	assert_int_equal(budget_who(f->store, "microsoft", 7, user_each, who, 1000), STORE_NONE);
	assert_true(ask_budget(f->store, (struct budget_request){ .mode = BUDGET_USE,
								  .token = span_of("e1"),
								  .account = span_of("Shop 1"),
								  .n = 2 })
			    .done);
	assert_true(ask_budget(f->store, (struct budget_request){ .mode = BUDGET_USE,
								  .token = span_of("e1"),
								  .account = span_of("Shop 1"),
								  .n = 2 })
			    .again);
	assert_true(ask_budget(f->store, (struct budget_request){ .mode = BUDGET_USE,
								  .kind = BUDGET_COMPLAINT,
								  .account = span_of("shop 1"),
								  .n = 1 })
			    .done);
	assert_int_equal(budget_who(f->store, "microsoft", 7, user_each, who, 1000), STORE_OK);
	assert_string_equal(who, "shop%201 2 1");
	assert_int_equal(budget_who(f->store, "microsoft", 9, user_each, who, 1000), STORE_REFUSED);

	got = ask_budget(f->store,
			 (struct budget_request){ .mode = BUDGET_TAKE, .token = span_of("m1"), .n = 2, .room = 3 });
	assert_true(got.done && got.under_way == 2);
	got = ask_budget(f->store,
			 (struct budget_request){ .mode = BUDGET_TAKE, .token = span_of("m1"), .n = 2, .room = 3 });
	assert_true(got.done && got.again && got.under_way == 2);
	assert_false(ask_budget(f->store, (struct budget_request){ .mode = BUDGET_TAKE, .n = 2, .room = 3 }).done);
	assert_int_equal(ask_budget(f->store, (struct budget_request){ .mode = BUDGET_SETTLE, .n = 1 }).under_way, 1);
	assert_true(ask_budget(f->store, (struct budget_request){ .mode = BUDGET_TAKE, .n = 2, .room = 3 }).done);
}

/* ---- complaints ---------------------------------------------------------------------------------------------------
 */

static struct complaint_request complaint(struct store *store, enum complaint_mode mode, const char *account,
					  const struct store_secret *secret)
{
	struct complaint_request request = { .mode = mode,
					     .keep_ms = DAY_MS,
					     .contacts = { .account = span_of(account) } };

	assert_true(complaint_put(&request, secret, span_of("Someone@example.org")));
	assert_true(complaint_put(&request, secret, span_of("other@example.org")));
	if (mode != COMPLAINT_LOOK)
		request.contacts.count = 1;
	const struct store_request asked = complaint_ask(&request);
	struct store_answer *got = run(store, &asked);
	assert_true(complaint_answer(&request, got));
	store_answers_free(&got);
	return request;
}

static void who_complained_did_so_about_one_account(void **state)
{
	struct fixture *f = *state;
	struct store_secret secret;
	struct complaint_request got;

	NEEDS_SERVER(f);
	open_store(f);
	wait_for_secret(f->store, &secret);
	got = complaint(f->store, COMPLAINT_LOOK, "shop", &secret);
	assert_true(!got.had[0] && !got.had[1]);
	assert_false(complaint(f->store, COMPLAINT_ADD, "shop", &secret).had[0]);
	assert_true(complaint(f->store, COMPLAINT_ADD, "Shop", &secret).had[0]);
	got = complaint(f->store, COMPLAINT_LOOK, "shop", &secret);
	assert_true(got.had[0] && !got.had[1]);
	assert_false(complaint(f->store, COMPLAINT_LOOK, "forum", &secret).had[0]);
	assert_true(complaint(f->store, COMPLAINT_DROP, "shop", &secret).had[0]);
	assert_false(complaint(f->store, COMPLAINT_LOOK, "shop", &secret).had[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_block_closes_probes_open),		 STORE_TEST(unknown_recipients_make_it_yellow),
		cmocka_unit_test(without_an_answer_it_is_green), STORE_TEST(one_account_may_use_a_share_of_the_budget),
		STORE_TEST(who_used_it_and_what_is_under_way),	 STORE_TEST(who_complained_did_so_about_one_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
