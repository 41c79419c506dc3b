/*
 * text.h and json.h: whatever a mail contains, a line stays one harmless line.
 */
#include "test.h"

#include "json.h"
#include "text.h"

static void escaped_text_is_printable_ascii(void **state)
{
	char buffer[64];
	struct text text;

	(void)state;
	text_init(&text, buffer, sizeof(buffer));
	text_escaped(&text, "a b\n\x1b\xff\\%s", 9, 100);
	assert_string_equal(buffer, "a b\\x0a\\x1b\\xff\\x5c%s");
}

static void word_has_no_blank(void **state)
{
	char buffer[64];
	struct text text;

	(void)state;
	text_init(&text, buffer, sizeof(buffer));
	text_word(&text, "a b=c", 5, 100);
	assert_string_equal(buffer, "a\\x20b=c");
}

static void long_value_is_cut_and_says_so(void **state)
{
	char buffer[64];
	struct text text;

	(void)state;
	text_init(&text, buffer, sizeof(buffer));
	text_escaped(&text, "abcdefgh", 8, 3);
	assert_string_equal(buffer, "abc...");
	assert_false(text.cut);
}

static void full_buffer_is_cut_and_remembered(void **state)
{
	char buffer[6];
	struct text text;

	(void)state;
	text_init(&text, buffer, sizeof(buffer));
	text_str(&text, "abcdefgh");
	text_u64(&text, 42);
	assert_string_equal(buffer, "abcde");
	assert_true(text.cut);
}

static void numbers_are_decimal(void **state)
{
	char buffer[32];
	struct text text;

	(void)state;
	text_init(&text, buffer, sizeof(buffer));
	text_u64(&text, 0);
	text_char(&text, ' ');
	text_u64(&text, UINT64_MAX);
	assert_string_equal(buffer, "0 18446744073709551615");
}

static void span_compares_case_blind_and_whole(void **state)
{
	(void)state;
	assert_true(span_is((struct span){ "FrOm", 4 }, "from"));
	assert_false(span_is((struct span){ "from", 4 }, "fro"));
	assert_false(span_is((struct span){ "fro", 3 }, "from"));
	assert_true(span_is((struct span){ "", 0 }, ""));
}

static void json_is_escaped_and_separated(void **state)
{
	char buffer[160];
	struct text text;

	(void)state;
	text_init(&text, buffer, sizeof(buffer));
	json_open(&text, NULL, '{');
	json_member(&text, "a", "x\"\\\n\xc3\xbc\xff\xed\xa0\x80");
	json_member_u64(&text, "b", 7);
	json_open(&text, "c", '[');
	json_member(&text, NULL, "d");
	json_member(&text, NULL, "e");
	json_close(&text, ']');
	json_close(&text, '}');
	assert_string_equal(buffer, "{\"a\":\"x\\\"\\\\\\u000a\xc3\xbc\\ufffd\\ufffd\\ufffd\\ufffd\",\"b\":7,\"c\":[\"d\",\"e\"]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaped_text_is_printable_ascii),
		cmocka_unit_test(word_has_no_blank),
		cmocka_unit_test(long_value_is_cut_and_says_so),
		cmocka_unit_test(full_buffer_is_cut_and_remembered),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(span_compares_case_blind_and_whole),
		cmocka_unit_test(json_is_escaped_and_separated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
