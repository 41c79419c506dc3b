/*
 * The rules of `signup`: limits bent by evidence, verdicts, warnings, and what a clock that jumps does to them.
 */
#include "test.h"

#include "milters/signup/policy.h"

#define HOUR_MS INT64_C(3600000)
#define NOW (INT64_C(1774224000) * 1000)
#define BIT(evidence) (1u << (evidence))

static const struct signup_limits limits = {
	.action = { ACTION_REJECT, ACTION_DEFER, ACTION_DEFER, ACTION_OBSERVE, ACTION_HOLD },
	.limit = { { 3, 4 }, { 5, 10 }, { 20, 40 }, { 20, 60 }, { 40, 120 } },
	.weight = { [SIGNUP_MACHINE] = 100,
		    [SIGNUP_PERSONAL] = 400,
		    [SIGNUP_SUBJECT] = 40,
		    [SIGNUP_TRADE] = 1600,
		    [SIGNUP_LIST] = 10000,
		    [SIGNUP_REPLY] = 200,
		    [SIGNUP_ALIKE] = 100,
		    [SIGNUP_RANDOM] = 33 },
	.usual_percent = 200,
	.usual_most = 500,
	.sales_percent = 100,
	.calm_ms = 2 * HOUR_MS,
	.reject_after_ms = 4 * HOUR_MS,
};

static struct signup_facts facts_of(unsigned evidence)
{
	return (struct signup_facts){ .evidence = evidence, .now_ms = NOW };
}

static struct signup_tally tally_of(uint32_t hour, uint32_t day, uint32_t adds)
{
	return (struct signup_tally){ .about = { "reg.php", 7 },
				      .adds = adds,
				      .used = { hour, day },
				      .free_ms = { NOW + HOUR_MS / 2, NOW + 9 * HOUR_MS } };
}

static struct signup_finding script(const struct signup_tally *tally, const struct signup_facts *facts)
{
	return signup_decide(SIGNUP_SCRIPT, tally, facts, &limits);
}

static void each_rule_has_code_unit_and_texts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIGNUP_RULES; i++) {
		const struct rule *rule = &signup_rules[i];
		const char *unit = strrchr(rule->name, '_');

		assert_non_null(unit);
		assert_true(!strcmp(unit, "_recipients") || !strcmp(unit, "_messages"));
		assert_int_equal(strncmp(rule->code, "SGN", 3), 0);
		for (unsigned j = 0; j < i; j++) {
			assert_string_not_equal(rule->code, signup_rules[j].code);
			assert_string_not_equal(rule->name, signup_rules[j].name);
		}
		for (unsigned language = 0; language < LANGUAGES; language++)
			for (const char *c = rule->text[language]; *c; c++)
				assert_true(*c >= ' ' && *c <= '~');
		/* the text says the unit too, and what was counted */
		assert_non_null(strstr(rule->text[LANGUAGE_EN], unit + 1));
		for (unsigned language = 0; language < LANGUAGES; language++)
			assert_non_null(strstr(rule->text[language], "{detail}"));
	}
	assert_null(signup_rules[SIGNUP_RULES].name);
}

static void nothing_below_the_limit(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(19, 39, 1);

	(void)state;
	assert_null(script(&tally, &facts).verdict.rule);
}

static void the_limit_itself_passes_one_more_does_not(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(20, 20, 1);
	struct signup_finding found = script(&tally, &facts);

	(void)state;
	assert_ptr_equal(found.verdict.rule, &signup_rules[SIGNUP_SCRIPT]);
	assert_int_equal(found.verdict.action, ACTION_DEFER);
	assert_int_equal(found.window, SIGNUP_HOUR);
	assert_int_equal(found.limit, 20);
	assert_int_equal(found.used, 20);
	assert_int_equal(found.free_ms, NOW + HOUR_MS / 2);
	assert_ptr_equal(found.verdict.about.at, tally.about.at);
}

static void of_two_full_windows_the_longer_is_told(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(20, 40, 1);

	(void)state;
	assert_int_equal(script(&tally, &facts).window, SIGNUP_DAY);
	tally.free_ms[SIGNUP_HOUR] = NOW + 10 * HOUR_MS;
	assert_int_equal(script(&tally, &facts).window, SIGNUP_HOUR);
}

static void a_burst_counts_every_recipient(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(10, 10, 11);

	(void)state;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_DEFER);
	tally.adds = 10;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_OFF);
}

static void what_can_never_pass_is_not_put_off(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(0, 0, 21);
	struct signup_finding found = script(&tally, &facts);

	(void)state;
	assert_int_equal(found.verdict.action, ACTION_REJECT);
	assert_int_equal(found.free_ms, 0);
	/* counts at the end of their range do not wrap */
	tally = tally_of(UINT32_MAX, UINT32_MAX, UINT32_MAX);
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_REJECT);
}

static void no_fact_no_verdict(void **state)
{
	struct signup_facts facts = facts_of(0);
	struct signup_tally tally = tally_of(99, 99, 1);
	struct signup_limits none = limits;

	(void)state;
	tally.about.at = NULL;
	assert_null(script(&tally, &facts).verdict.rule);
	tally = tally_of(99, 99, 0);
	assert_null(script(&tally, &facts).verdict.rule);
	tally = tally_of(99, 99, 1);
	none.action[SIGNUP_SCRIPT] = ACTION_OFF;
	assert_null(signup_decide(SIGNUP_SCRIPT, &tally, &facts, &none).verdict.rule);
	none = limits;
	none.limit[SIGNUP_SCRIPT][SIGNUP_HOUR] = none.limit[SIGNUP_SCRIPT][SIGNUP_DAY] = 0;
	assert_null(signup_decide(SIGNUP_SCRIPT, &tally, &facts, &none).verdict.rule);
}

static void evidence_bends_the_limit(void **state)
{
	static const struct {
		unsigned evidence;
		uint32_t hour;
	} rows[] = {
		{ BIT(SIGNUP_MACHINE), 20 },
		{ BIT(SIGNUP_MACHINE) | BIT(SIGNUP_SUBJECT), 8 },
		{ BIT(SIGNUP_MACHINE) | BIT(SIGNUP_SUBJECT) | BIT(SIGNUP_RANDOM), 2 },
		{ BIT(SIGNUP_MACHINE) | BIT(SIGNUP_TRADE), 320 },
		{ BIT(SIGNUP_MACHINE) | BIT(SIGNUP_LIST), 2000 },
		{ BIT(SIGNUP_PERSONAL), 80 },
		{ BIT(SIGNUP_PERSONAL) | BIT(SIGNUP_REPLY), 160 },
		/* never more than 128 times, whatever comes together */
		{ BIT(SIGNUP_LIST) | BIT(SIGNUP_TRADE) | BIT(SIGNUP_PERSONAL), 2560 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct signup_facts facts = facts_of(rows[i].evidence);

		assert_int_equal(signup_limit(SIGNUP_SCRIPT, SIGNUP_HOUR, &facts, &limits), rows[i].hour);
		assert_int_equal(signup_limit(SIGNUP_VICTIM, SIGNUP_HOUR, &facts, &limits), 3);
		assert_int_equal(signup_limit(SIGNUP_CLIENT, SIGNUP_DAY, &facts, &limits), 10);
	}
}

static void weights_of_any_size_stay_in_bounds(void **state)
{
	struct signup_limits odd = limits;
	struct signup_facts facts = facts_of((1u << SIGNUP_EVIDENCES) - 1);

	(void)state;
	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++)
		odd.weight[i] = UINT32_MAX;
	odd.limit[SIGNUP_ACCOUNT][SIGNUP_DAY] = UINT32_MAX;
	assert_int_equal(signup_percent(facts.evidence, &odd), 12800);
	assert_int_equal(signup_limit(SIGNUP_ACCOUNT, SIGNUP_DAY, &facts, &odd), UINT32_MAX);
	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++)
		odd.weight[i] = 0;
	odd.limit[SIGNUP_ACCOUNT][SIGNUP_DAY] = 1;
	assert_int_equal(signup_percent(facts.evidence, &odd), 10);
	assert_int_equal(signup_limit(SIGNUP_ACCOUNT, SIGNUP_DAY, &facts, &odd), 1);
}

static void a_busy_account_keeps_its_usual_day(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE) | BIT(SIGNUP_SUBJECT));

	(void)state;
	facts.usual = 60;
	assert_int_equal(signup_limit(SIGNUP_SCRIPT, SIGNUP_DAY, &facts, &limits), 120);
	assert_int_equal(signup_limit(SIGNUP_SCRIPT, SIGNUP_HOUR, &facts, &limits), 20);
	facts.usual = UINT32_MAX;
	assert_int_equal(signup_limit(SIGNUP_SCRIPT, SIGNUP_DAY, &facts, &limits), 1000);
	/* not for recipients that a machine made up */
	facts.evidence |= BIT(SIGNUP_RANDOM);
	facts.sales[SIGNUP_DAY] = 1000;
	assert_int_equal(signup_limit(SIGNUP_SCRIPT, SIGNUP_DAY, &facts, &limits), 5);
}

static void who_buys_may_open_an_account(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE) | BIT(SIGNUP_SUBJECT));

	(void)state;
	facts.sales[SIGNUP_HOUR] = 70;
	facts.sales[SIGNUP_DAY] = 300;
	assert_int_equal(signup_limit(SIGNUP_SCRIPT, SIGNUP_HOUR, &facts, &limits), 78);
	assert_int_equal(signup_limit(SIGNUP_ACCOUNT, SIGNUP_DAY, &facts, &limits), 348);
	facts.evidence = BIT(SIGNUP_MACHINE);
	assert_int_equal(signup_limit(SIGNUP_SCRIPT, SIGNUP_HOUR, &facts, &limits), 20);
}

static void the_usual_day_moves_slowly(void **state)
{
	uint32_t usual = 0;

	(void)state;
	for (int day = 0; day < 60; day++)
		usual = signup_usual(usual, 3);
	assert_in_range(usual, 256 * 2, 256 * 3);
	/* a week of an attack that fills the limits with 16 a day */
	for (int day = 0; day < 7; day++)
		usual = signup_usual(usual, 16);
	assert_in_range(usual, 256 * 5, 256 * 11);
	for (int day = 0; day < 30; day++)
		usual = signup_usual(usual, 3);
	assert_in_range(usual, 256 * 3, 256 * 4);
	for (int day = 0; day < 60; day++)
		usual = signup_usual(usual, 0);
	assert_true(usual < 256);
	usual = UINT32_MAX;
	assert_true(signup_usual(usual, UINT32_MAX) > UINT32_MAX / 2);
}

static void the_day_after_an_attack_is_wider(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(0, 40, 1);

	(void)state;
	tally.refused_ms = NOW - HOUR_MS;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_DEFER);
	tally.refused_ms = NOW - 3 * HOUR_MS;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_OFF);
	/* twice the day, not more, and not the hour */
	tally.used[SIGNUP_DAY] = 80;
	assert_int_equal(script(&tally, &facts).limit, 80);
	tally = tally_of(20, 20, 1);
	tally.refused_ms = NOW - 3 * HOUR_MS;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_DEFER);
	/* a victim stays a victim */
	tally = tally_of(0, 4, 1);
	tally.refused_ms = NOW - 3 * HOUR_MS;
	assert_int_equal(signup_decide(SIGNUP_VICTIM, &tally, &facts, &limits).verdict.action, ACTION_REJECT);
}

static void later_is_said_for_some_hours_then_no(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(20, 20, 1);

	(void)state;
	tally.full_since_ms = NOW - 3 * HOUR_MS;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_DEFER);
	tally.full_since_ms = NOW - 4 * HOUR_MS;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_REJECT);
}

static void a_clock_set_back_or_forth_locks_nobody(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(20, 40, 1);

	(void)state;
	/* both marks lie in the future: neither long full nor long calm */
	tally.full_since_ms = NOW + 24 * HOUR_MS;
	tally.refused_ms = NOW + 24 * HOUR_MS;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_DEFER);
	assert_int_equal(script(&tally, &facts).limit, 40);
	tally = tally_of(1, 1, 1);
	tally.full_since_ms = tally.refused_ms = NOW + 24 * HOUR_MS;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_OFF);
	facts.now_ms = 0;
	assert_int_equal(script(&tally, &facts).verdict.action, ACTION_OFF);
}

static void a_new_installation_only_observes(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(200, 200, 1);

	(void)state;
	facts.learning = true;
	for (unsigned rule = 0; rule < SIGNUP_RULES; rule++)
		assert_int_equal(signup_decide((enum signup_rule)rule, &tally, &facts, &limits).verdict.action,
				 ACTION_OBSERVE);
}

static void actions_are_those_of_the_rule(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	struct signup_tally tally = tally_of(UINT32_MAX / 2, UINT32_MAX / 2, 1);

	(void)state;
	for (unsigned rule = 0; rule < SIGNUP_RULES; rule++)
		assert_int_equal(signup_decide((enum signup_rule)rule, &tally, &facts, &limits).verdict.action,
				 limits.action[rule]);
}

static void a_warning_comes_once_at_four_fifths(void **state)
{
	struct signup_facts facts = facts_of(BIT(SIGNUP_MACHINE));
	unsigned warned = 0;

	(void)state;
	for (uint32_t used = 0; used < 20; used++) {
		struct signup_tally tally = tally_of(used, 0, 1);
		struct signup_finding found = script(&tally, &facts);

		assert_null(found.verdict.rule);
		if (found.near)
			assert_int_equal(used, 15);
		warned += found.near;
	}
	assert_int_equal(warned, 1);
}

static void kinds_by_evidence(void **state)
{
	static const struct {
		unsigned evidence;
		enum signup_kind kind;
	} rows[] = {
		{ BIT(SIGNUP_MACHINE), SIGNUP_PROGRAM },
		{ BIT(SIGNUP_MACHINE) | BIT(SIGNUP_SUBJECT), SIGNUP_CONFIRM },
		{ BIT(SIGNUP_MACHINE) | BIT(SIGNUP_TRADE), SIGNUP_SALE },
		{ BIT(SIGNUP_MACHINE) | BIT(SIGNUP_LIST), SIGNUP_BULK },
		{ BIT(SIGNUP_PERSONAL) | BIT(SIGNUP_SUBJECT), SIGNUP_PERSON },
		{ 0, SIGNUP_PROGRAM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(signup_kind_of(rows[i].evidence), rows[i].kind);
	for (unsigned i = 0; i < SIGNUP_KINDS; i++)
		assert_non_null(signup_kind_names[i]);
	assert_null(signup_kind_names[SIGNUP_KINDS]);
	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++)
		assert_non_null(signup_evidence_names[i]);
	assert_null(signup_evidence_names[SIGNUP_EVIDENCES]);
}

#define TEST(name)                                      \
	{                                               \
		"signup_" #name, name, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_rule_has_code_unit_and_texts),
		TEST(nothing_below_the_limit),
		TEST(the_limit_itself_passes_one_more_does_not),
		TEST(of_two_full_windows_the_longer_is_told),
		TEST(a_burst_counts_every_recipient),
		TEST(what_can_never_pass_is_not_put_off),
		TEST(no_fact_no_verdict),
		TEST(evidence_bends_the_limit),
		TEST(weights_of_any_size_stay_in_bounds),
		TEST(a_busy_account_keeps_its_usual_day),
		TEST(who_buys_may_open_an_account),
		TEST(the_usual_day_moves_slowly),
		TEST(the_day_after_an_attack_is_wider),
		TEST(later_is_said_for_some_hours_then_no),
		TEST(a_clock_set_back_or_forth_locks_nobody),
		TEST(a_new_installation_only_observes),
		TEST(actions_are_those_of_the_rule),
		TEST(a_warning_comes_once_at_four_fifths),
		TEST(kinds_by_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
