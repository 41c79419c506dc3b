/*
 * Words of the command: what was meant, spans of time, lines that fit.
 */
#include "test.h"

#include "tools/words.c" /* the command's parts are in no library */

static const char *const names[] = { "status", "check", "config", "history", "stop", NULL };

static void a_slip_of_the_finger_finds_the_word(void **state)
{
	static const struct {
		const char *word, *meant;
	} cases[] = {
		{ "statsu", "status" }, { "statu", "status" },	{ "hist", "history" }, { "CHECK", "check" },
		{ "chekc", "check" },	{ "confgi", "config" }, { "xyzzy", NULL },     { "", NULL },
		{ "shop", "stop" },	{ "configure", NULL },
	};
	char longest[200];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *meant = word_meant(cases[i].word, names);

		if (cases[i].meant)
			assert_string_equal(meant, cases[i].meant);
		else
			assert_null(meant);
	}
	memset(longest, 's', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_null(word_meant(longest, names));
}

static void a_span_is_a_number_and_a_unit(void **state)
{
	(void)state;
	assert_int_equal(time_read("90s"), 90);
	assert_int_equal(time_read("3d"), 3 * 86400);
	assert_int_equal(time_read("999999w"), INT64_C(999999) * 604800);
	assert_int_equal(time_read("5"), -1);
	assert_int_equal(time_read("-5h"), -1);
	assert_int_equal(time_read("5hh"), -1);
	assert_int_equal(time_read("99999999999999999999s"), -1);
	assert_int_equal(time_read(""), -1);
}

static void lines_are_as_wide_as_the_terminal_within_limits(void **state)
{
	static const struct {
		const char *columns;
		size_t width;
	} cases[] = { { "50", 50 }, { "10", 40 }, { "200", 80 }, { "80", 80 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		setenv("COLUMNS", cases[i].columns, 1);
		assert_int_equal(print_width(), cases[i].width);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slip_of_the_finger_finds_the_word),
		cmocka_unit_test(a_span_is_a_number_and_a_unit),
		cmocka_unit_test(lines_are_as_wide_as_the_terminal_within_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
