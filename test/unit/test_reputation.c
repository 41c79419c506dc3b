/*
 * Section `reputation`: what is taken, and what becomes of it.
 */
#include "test.h"

#include <string.h>

#include "reputation.h"

static const struct option *row(const char *name)
{
	const struct option *option = reputation_section.options;

	while (option->name && strcmp(option->name, name) != 0)
		option++;
	assert_non_null(option->name);
	return option;
}

static void a_budget_is_two_numbers_of_a_provider(void **state)
{
	static const char *const good[] = { "microsoft: 40/10", "*: 0/0", "gmx.example:1/1000000000" };
	static const char *const bad[] = {
		"",	   "microsoft", "microsoft: 40", "microsoft: 40/", "microsoft 40/1",  "Microsoft: 40/1",
		"a: -1/1", "a: 1/1 ",	"*x: 1/1",	 ": 1/1",	   "a: 1/2000000000", "a: 99999999999/1"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(row("budgets")->check(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!row("budgets")->check(bad[i]))
			fail_msg("%s", bad[i]);
}

static void who_has_no_budget_has_that_of_any_other(void **state)
{
	static const char *const rows[] = { "microsoft: 40/10", "*: 100/20" };
	struct reputation_options options = { .budgets = { rows, 2 }, .budget_share = 25 };
	struct budget_rule rule = reputation_budget(&options, "microsoft");

	(void)state;
	assert_int_equal(rule.per_day[BUDGET_UNKNOWN], 40);
	assert_int_equal(rule.per_day[BUDGET_COMPLAINT], 10);
	assert_int_equal(budget_share(&rule, BUDGET_UNKNOWN), 10);
	rule = reputation_budget(&options, "mx.example");
	assert_int_equal(rule.per_day[BUDGET_UNKNOWN], 100);
	options.budgets.count = 1;
	rule = reputation_budget(&options, "mx.example");
	assert_int_equal(rule.per_day[BUDGET_UNKNOWN], 0);
}

static void more_days_than_attempts_cannot_be(void **state)
{
	struct reputation_options options = { .dead_attempts = 2, .dead_days = 3, .block_open = 60, .block_most = 60 };
	const char *option = NULL;
	char error[200];

	(void)state;
	assert_false(reputation_section.check(&options, &option, error, sizeof(error)));
	assert_string_equal(option, "dead_days");
	options.dead_days = 2;
	assert_true(reputation_section.check(&options, &option, error, sizeof(error)));
	options.block_most = 59;
	assert_false(reputation_section.check(&options, &option, error, sizeof(error)));
	assert_string_equal(option, "block_most");
}

static void times_are_milliseconds_for_the_store(void **state)
{
	const struct reputation_options options = { .dead_attempts = 3,
						    .dead_days = 3,
						    .dead_apart = 72000,
						    .dead_keep = 86400,
						    .block_open = 7200,
						    .probes = 5 };
	const struct dead_rule dead = reputation_dead(&options);

	(void)state;
	assert_int_equal(dead.apart_ms, 72000000);
	assert_int_equal(dead.keep_ms, 86400000);
	assert_int_equal(reputation_weather(&options).open_ms, 7200000);
	assert_int_equal(reputation_weather(&options).probes, 5);
	assert_int_equal(reputation_dead_of(&options).keep_ms, 86400000);
}

#define TEST(name)                                          \
	{                                                   \
		"reputation_" #name, name, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_budget_is_two_numbers_of_a_provider),
		TEST(who_has_no_budget_has_that_of_any_other),
		TEST(more_days_than_attempts_cannot_be),
		TEST(times_are_milliseconds_for_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
