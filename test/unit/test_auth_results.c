/*
 * Authentication-Results: whose a field is, and values that nothing can break out of; the order of marks.
 */
#include "test.h"

#include <string.h>

#include "auth_results.h"
#include "marks.h"

static void a_field_is_of_whom_it_begins_with(void **state)
{
	static const struct {
		const char *value;
		bool is_ours;
	} rows[] = {
		{ "mx.example; spf=pass", true },
		{ " MX.example ;", true },
		{ "mx.example", true },
		{ "mx.example 1; none", true },
		{ "\"mx.example\"; none", true },
		{ "\"m\\x.exa\\mple\"; none", true },
		{ "(a (b) c) mx.example;", true },
		{ "(a\\) mx.other) mx.example;", true },
		{ "mx.example(c);", true },
		{ "\r\n\tmx.example\r\n\t;", true },
		{ "", true },
		{ "; spf=pass", true },
		{ "(never closed mx.other", true },
		{ "\"\"; spf=pass", true },
		{ "mx.example.org; spf=pass", false },
		{ "mx.exampl; spf=pass", false },
		{ "x.mx.example;", false },
		{ "mx.other; mx.example", false },
		{ "mxxexample;", false },
		{ "\"mx.example;\"", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (auth_results_is_of(rows[i].value, strlen(rows[i].value), "mx.example") != rows[i].is_ours)
			fail_msg("%s", rows[i].value);
}

static void a_value_stays_one_value(void **state)
{
	static const char *const rows[][2] = {
		{ "a.b+c_d-e@mx.example", "a.b+c_d-e@mx.example" },
		{ "mx.example", "mx.example" },
		{ "", "\"\"" },
		{ "@mx.example", "@mx.example" },
		{ "a@", "\"a@\"" },
		{ "a@b@c", "\"a@b@c\"" },
		{ "a b; dkim=pass", "\"a b; dkim=pass\"" },
		{ "\"a\\b\"", "\"\\\"a\\\\b\\\"\"" },
		{ "a\r\nX: y\x7f", "\"a??X: y?\"" },
		{ "b\xc3\xbc"
		  "cher",
		  "\"b\xc3\xbc"
		  "cher\"" },
		{ "\xff\xc3\xbc", "\"???\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char buffer[100];
		struct text text;

		text_init(&text, buffer, sizeof(buffer));
		auth_results_value(&text, rows[i][0]);
		assert_string_equal(buffer, rows[i][1]);
	}
}

static void removals_come_first_and_from_the_last(void **state)
{
	static const unsigned order[] = { 9, 7, 7, 2 };
	struct arena memory;
	struct marks marks = { NULL };
	const struct mark *mark;

	(void)state;
	arena_init(&memory, 10000);
	assert_true(marks_add(&marks, &memory, "A", "one"));
	assert_true(marks_remove(&marks, &memory, "A", 7));
	assert_true(marks_remove(&marks, &memory, "A", 2));
	assert_true(marks_remove(&marks, &memory, "A", 9));
	assert_true(marks_remove(&marks, &memory, "a", 7));
	assert_true(marks_remove(&marks, &memory, "B", 7));
	assert_true(marks_add(&marks, &memory, "B", "two"));
	mark = marks.first;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++, mark = mark->next) {
		assert_null(mark->value);
		assert_int_equal(mark->index, order[i]);
	}
	assert_string_equal(mark->value, "one");
	assert_string_equal(mark->next->value, "two");
	assert_null(mark->next->next);
	arena_free(&memory);
}

static void a_mark_that_does_not_fit_is_told(void **state)
{
	struct arena memory;
	struct marks marks = { NULL };

	(void)state;
	arena_init(&memory, 100);
	assert_true(marks_add(&marks, &memory, "A", "x"));
	assert_false(marks_add(&marks, &memory, "Authentication-Results", "a value that needs more than what is left"));
	assert_null(marks.first->next);
	arena_free(&memory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_of_whom_it_begins_with),
		cmocka_unit_test(a_value_stays_one_value),
		cmocka_unit_test(removals_come_first_and_from_the_last),
		cmocka_unit_test(a_mark_that_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
