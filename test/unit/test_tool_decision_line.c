/*
 * A decision of the history, taken apart again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/decision_line.c" /* the command's parts are in no library */

static void facts_come_in_order_and_other_words_are_skipped(void **state)
{
	const char *line = "mww0f7nfq8kx8 id=mww0f7nfq8kx8  action=reject =x about=a=b@c.example empty= end";
	static const char *const expected[][2] = {
		{ "id", "mww0f7nfq8kx8" },
		{ "action", "reject" },
		{ "about", "a=b@c.example" },
		{ "empty", "" },
	};
	struct span key, value;

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_true(fact_next(&line, &key, &value));
		assert_true(span_is(key, expected[i][0]));
		assert_true(span_is(value, expected[i][1]));
	}
	assert_false(fact_next(&line, &key, &value));
}

static void a_fact_is_found_by_its_whole_name(void **state)
{
	char word[8];

	(void)state;
	assert_string_equal(fact_of("xrule=a rule=b rule=c", "rule", word, sizeof(word)), "b");
	assert_string_equal(fact_of("rule=abcdefghijkl", "rule", word, sizeof(word)), "abcdefg");
	assert_string_equal(fact_of("action=accept", "rule", word, sizeof(word)), "");
	assert_string_equal(fact_of("", "rule", word, sizeof(word)), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_come_in_order_and_other_words_are_skipped),
		cmocka_unit_test(a_fact_is_found_by_its_whole_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
