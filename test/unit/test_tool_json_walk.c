/*
 * The admin's command reads what a daemon says about itself: each value with its path, or nothing at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tools/json_walk.c" /* the command's parts are in no library */

struct record {
	char text[4096];
	unsigned count, stop_after;
};

static bool record_take(void *arg, const char *path, const char *value)
{
	struct record *record = arg;
	size_t len = strlen(record->text);

	snprintf(record->text + len, sizeof(record->text) - len, "%s%s%s;", path, value ? "=" : "", value ? value : "");
	return ++record->count != record->stop_after;
}

static void each_value_comes_with_its_path(void **state)
{
	struct record record = { .count = 0 };

	(void)state;
	assert_int_equal(
		json_walk(" {\"a\":\"x\", \"b\" : {\"c\":12,\"d\":[\"e\",\"f\"]},\"g\":[{\"h\":1},{\"h\":-2.5e3}],"
			  "\"i\":[],\"j\":{},\"k\":true,\"l\":null} ",
			  record_take, &record),
		0);
	assert_string_equal(record.text, "a=x;b.c=12;b.d[]=e;b.d[]=f;g[].h=1;g[];g[].h=-2.5e3;g[];k=true;l=null;");
}

static void escapes_become_what_they_mean(void **state)
{
	struct record record = { .count = 0 };

	(void)state;
	assert_int_equal(
		json_walk("{\"a\":\"\\\"\\\\\\/\\n\\u0041\\u00e9\\u20ac\\ud800\\u0000\"}", record_take, &record), 0);
	assert_string_equal(record.text, "a=\"\\/\nA\xc3\xa9\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd;");
}

static void a_reader_may_stop(void **state)
{
	struct record record = { .stop_after = 2 };

	(void)state;
	assert_int_equal(json_walk("[1,2,3,4]", record_take, &record), 0);
	assert_string_equal(record.text, "[]=1;[]=2;");
}

static void what_is_no_json_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		" ",
		"{",
		"}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"[1,]",
		"[1 2]",
		"{a:1}",
		"'a'",
		"\"a",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\",
		"\"\\u00",
		"01",
		"-",
		"1.",
		"1e",
		"+1",
		"tru",
		"nul",
		"1 2",
		"{\"a\":1}x",
		"\"a\nb\"",
		"{\"a\":1 \"b\":2}",
		"[[[[[[[[[[1]]]]]]]]]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct record record = { .count = 0 };

		if (json_walk(wrong[i], record_take, &record) != -1)
			fail_msg("taken for JSON: %s", wrong[i]);
	}
}

static void a_value_that_is_too_long_is_refused(void **state)
{
	static char text[4096];
	struct record record = { .count = 0 };

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[0] = text[sizeof(text) - 2] = '"';
	assert_int_equal(json_walk(text, record_take, &record), -1);
	memset(text, '1', sizeof(text) - 1);
	assert_int_equal(json_walk(text, record_take, &record), -1);
	for (size_t i = 0; i < 8; i++)
		memcpy(text + i * 68, "{\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\":", 68);
	memcpy(text + 8 * 68, "1}}}}}}}}", 10);
	assert_int_equal(json_walk(text, record_take, &record), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_comes_with_its_path),
		cmocka_unit_test(escapes_become_what_they_mean),
		cmocka_unit_test(a_reader_may_stop),
		cmocka_unit_test(what_is_no_json_is_refused),
		cmocka_unit_test(a_value_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
