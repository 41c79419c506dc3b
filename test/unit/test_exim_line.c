/*
 * exim/line.h: what Exim says in one line is understood, and what is no such line is refused.
 */
#include "test.h"

#include <stdio.h>

#include "exim/line.h"

static struct exim_line parsed;
static char buffer[512];

static const char *parse(const char *line)
{
	snprintf(buffer, sizeof(buffer), "%s", line);
	return exim_line_parse(buffer, &parsed);
}

static void pairs_are_taken_apart(void **state)
{
	(void)state;
	assert_null(parse("rcpt queue_id=1abc-000-XY client_addr=192.0.2.1 mail_from=a@b.example rcpt_to=c@d.example"));
	assert_string_equal(parsed.verb, "rcpt");
	assert_string_equal(parsed.value[EXIM_QUEUE_ID], "1abc-000-XY");
	assert_string_equal(parsed.value[EXIM_RCPT_TO], "c@d.example");
	assert_string_equal(parsed.value[EXIM_HELO], "");
}

static void quoted_values_are_unquoted(void **state)
{
	(void)state;
	assert_null(parse("data helo=\"a \\\"b\\\\\\n\\r\" mail_from=\"\" ident=x"));
	assert_string_equal(parsed.value[EXIM_HELO], "a \"b\\\n\r");
	assert_string_equal(parsed.value[EXIM_MAIL_FROM], "");
	assert_string_equal(parsed.value[EXIM_IDENT], "x");
}

static void empty_and_unknown_values_are_skipped(void **state)
{
	(void)state;
	assert_null(parse("rcpt client_addr= later=thing  rcpt_to=x "));
	assert_string_equal(parsed.value[EXIM_CLIENT_ADDR], "");
	assert_string_equal(parsed.value[EXIM_RCPT_TO], "x");
}

static void broken_lines_are_refused(void **state)
{
	(void)state;
	assert_non_null(parse("rcpt helo=\"open"));
	assert_non_null(parse("rcpt helo=\"a\"b"));
	assert_non_null(parse("rcpt helo"));
	assert_non_null(parse("rcpt helo=\"a\\"));
}

static void base64_is_decoded_in_place(void **state)
{
	char good[] = "RnJvbTogYQo=", bad[] = "a-b", cut[] = "RnJvbQ==A";

	(void)state;
	assert_int_equal(base64_decode(good), 8);
	assert_string_equal(good, "From: a\n");
	assert_int_equal(base64_decode(bad), -1);
	assert_int_equal(base64_decode(cut), -1);
	assert_null(parse("data"));
	assert_int_equal(base64_decode((char *)(uintptr_t)parsed.value[EXIM_HEADERS]), 0);
}

static void recipients_may_hold_commas_in_quotes(void **state)
{
	char list[] = "a@x.example, \"b, c\"@y.example, d@z.example", *at = list;

	(void)state;
	assert_string_equal(exim_recipient_next(&at), "a@x.example");
	assert_string_equal(exim_recipient_next(&at), "\"b, c\"@y.example");
	assert_string_equal(exim_recipient_next(&at), "d@z.example");
	assert_null(exim_recipient_next(&at));
}

static void header_block_is_split_with_its_folds(void **state)
{
	char block[] = "From: a\n <b@c.example>\nno colon here\nTo:d\n\nFrom: body", *at = block, *name, *value;

	(void)state;
	assert_true(header_field_next(&at, &name, &value));
	assert_string_equal(name, "From");
	assert_string_equal(value, " a\n <b@c.example>");
	assert_true(header_field_next(&at, &name, &value));
	assert_string_equal(name, "");
	assert_string_equal(value, "no colon here");
	assert_true(header_field_next(&at, &name, &value));
	assert_string_equal(name, "To");
	assert_string_equal(value, "d");
	assert_false(header_field_next(&at, &name, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_taken_apart),
		cmocka_unit_test(quoted_values_are_unquoted),
		cmocka_unit_test(empty_and_unknown_values_are_skipped),
		cmocka_unit_test(broken_lines_are_refused),
		cmocka_unit_test(base64_is_decoded_in_place),
		cmocka_unit_test(recipients_may_hold_commas_in_quotes),
		cmocka_unit_test(header_block_is_split_with_its_folds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
