/*
 * The mailboxes of From and Sender: what is reported, which fault is named, and that size does no harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "address/address.h"

/* Mailboxes as text: local|domain|display, separated by semicolons. */
struct seen {
	char text[1024];
	size_t len;
	int count;
	int stop_after;
};

static bool author_note(void *arg, const struct author *author)
{
	struct seen *seen = arg;

	if (seen->len < sizeof(seen->text)) {
		seen->len += (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%s%.*s|%s|%.*s",
					      seen->count ? ";" : "", (int)author->local.len, author->local.at,
					      author->domain, (int)author->display.len, author->display.at);
	}
	return ++seen->count != seen->stop_after;
}

static enum author_fault parse(struct seen *seen, const char *value, size_t len)
{
	memset(seen, 0, sizeof(*seen));
	return author_parse(value, len, author_note, seen);
}

/* clang-format off */
static const struct {
	const char *value;
	const char *seen;
} good[] = {
	{ "info@shop.example", "info|shop.example|" },
	{ " <info@SHOP.example>", "info|shop.example|" },
	{ "Max Muster <info@shop.example>", "info|shop.example|Max Muster" },
	{ "\"Muster, Max\" <info@shop.example> ", "info|shop.example|\"Muster, Max\"" },
	{ "info@shop.example (Max)", "info|shop.example|(Max)" },
	{ "(Max) info@shop.example", "info|shop.example|(Max)" },
	{ "Max <info@shop.example> (Chef)", "info|shop.example|Max <info@shop.example> (Chef)" },
	{ "a@b.example, C <d@e.example>", "a|b.example|;d|e.example|C" },
	{ "a@b.example <a@b.example>", "a|b.example|a@b.example" },
	{ "Max\r\n\t<info@shop.example>", "info|shop.example|Max" },
	{ "\"max muster\"@shop.example", "\"max muster\"|shop.example|" },
	{ "x@b.example, y@b.example, x@B.example", "x|b.example|;y|b.example|;x|b.example|" },
	{ "info@m\xc3\xbcller.example", "info|xn--mller-kva.example|" },
	{ "\"x\xef\xbc\xa0\" Max <a@b.example>", "a|b.example|\"x\xef\xbc\xa0\" Max" },
};

static const struct {
	enum author_fault fault;
	const char *value;
} bad[] = {
	{ AUTHOR_EMPTY, "" },
	{ AUTHOR_EMPTY, " \t " },
	{ AUTHOR_SYNTAX, "a@b.example c@d.example" },
	{ AUTHOR_SYNTAX, "a@b.example, " },
	{ AUTHOR_SYNTAX, "a@b.example,,c@d.example" },
	{ AUTHOR_SYNTAX, "a..b@c.example" },
	{ AUTHOR_SYNTAX, ".a@c.example" },
	{ AUTHOR_SYNTAX, "a.@c.example" },
	{ AUTHOR_SYNTAX, "a @c.example" },
	{ AUTHOR_SYNTAX, "\"a" },
	{ AUTHOR_SYNTAX, "\"a\\" },
	{ AUTHOR_SYNTAX, "(a" },
	{ AUTHOR_SYNTAX, "(a\\" },
	{ AUTHOR_SYNTAX, "a@b.example (x\\" },
	{ AUTHOR_SYNTAX, "a@b.example\\" },
	{ AUTHOR_SYNTAX, "<" },
	{ AUTHOR_SYNTAX, "<a@b.example" },
	{ AUTHOR_SYNTAX, "a@b.example <A@b.example>" },
	{ AUTHOR_SYNTAX, "a@b.example <a@c.example>" },
	{ AUTHOR_SYNTAX, "a@b.example; c@d.example" },
	{ AUTHOR_SYNTAX, "a@b.example(.c.example)" },
	{ AUTHOR_SYNTAX, "Max\n \n <a@b.example>" },
	{ AUTHOR_GROUP, "x: a@b.example;" },
	{ AUTHOR_GROUP, "a@b.example: c@d.example;" },
	{ AUTHOR_GROUP, "<a@b.example>:" },
	{ AUTHOR_ROUTE, "<@x.example:a@b.example>" },
	{ AUTHOR_ROUTE, "@x.example:a@b.example" },
	{ AUTHOR_NO_DOMAIN, "cp1234" },
	{ AUTHOR_NO_DOMAIN, "<cp1234>" },
	{ AUTHOR_NO_DOMAIN, "Max <>" },
	{ AUTHOR_NO_DOMAIN, "a@" },
	{ AUTHOR_NO_DOMAIN, "<a@>" },
	{ AUTHOR_NO_DOMAIN, "a@[192.0.2.1]" },
	{ AUTHOR_BAD_DOMAIN, "a@b..example" },
	{ AUTHOR_BAD_DOMAIN, "a@192.0.2.1" },
	{ AUTHOR_BAD_DOMAIN, "a@b.example\xc2\xa0" },
	{ AUTHOR_ENCODED, "=?utf-8?Q?x?=@b.example" },
	{ AUTHOR_ENCODED, "<=?utf-8?Q?x?=>" },
	{ AUTHOR_ENCODED, "a@=?utf-8?Q?x?=" },
	{ AUTHOR_ENCODED, "=?utf-8?Q?a=00?= <a@b.example>" },
	{ AUTHOR_ENCODED, "\"=?utf-8?B?YQo=?=\" <a@b.example>" },
	{ AUTHOR_ENCODED, "=?utf-8?Q?cut <a@b.example>" },
	{ AUTHOR_ENCODED, "=?utf-8*de?Q?cut <a@b.example>" },
	{ AUTHOR_SYNTAX, "x\xef\xbc\xa0" "b.example <a@b.example>" },
	{ AUTHOR_ENCODED, "=?utf-8?Q?x\"?= <a@b.example>, \"y\" <a@b.example>" },
	{ AUTHOR_BYTES, "a\x01@b.example" },
	{ AUTHOR_BYTES, "M\xfcller <a@b.example>" },
	{ AUTHOR_BYTES, "\xe2\x80\xae <a@b.example>" },
	{ AUTHOR_BYTES, "a@b.example\n" },
	{ AUTHOR_BYTES, "a@b.example\r" },
	{ AUTHOR_BYTES, "a@b.example\r\n" },
	{ AUTHOR_BYTES, "a@b.example,\nc@d.example" },
	{ AUTHOR_BYTES, "a@b.example,\r c@d.example" },
};
/* clang-format on */

static void mailboxes_are_reported_in_order(void **state)
{
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse(&seen, good[i].value, strlen(good[i].value)), AUTHOR_OK);
		assert_string_equal(seen.text, good[i].seen);
	}
}

static void faults_are_named(void **state)
{
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum author_fault fault = parse(&seen, bad[i].value, strlen(bad[i].value));

		if (fault != bad[i].fault)
			fail_msg("%s: %s", bad[i].value, author_fault_name(fault));
	}
	for (int i = AUTHOR_OK; i < AUTHOR_FAULTS; i++)
		assert_true(strlen(author_fault_name((enum author_fault)i)) > 1);
	assert_string_equal(author_fault_name(AUTHOR_GROUP), "group");
	assert_string_equal(author_fault_name(AUTHOR_FAULTS), "unknown");
}

/* A text that ends anywhere must not be read past its end; ASan watches. */
static void every_cut_is_harmless(void **state)
{
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t len = 0; len <= strlen(bad[i].value); len++) {
			char *copy = malloc(len + 1);

			assert_non_null(copy);
			memcpy(copy + 1, bad[i].value, len);
			parse(&seen, copy + 1, len);
			free(copy);
		}
	}
}

static void nul_is_refused(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(parse(&seen, "a@b.example\0.c", 14), AUTHOR_BYTES);
	assert_int_equal(parse(&seen, "\0a@b.example", 12), AUTHOR_BYTES);
	assert_int_equal(seen.count, 0);
}

static void mailboxes_before_the_fault_are_reported(void **state)
{
	static const char value[] = "a@b.example, c@d.example, x";
	struct seen seen;

	(void)state;
	assert_int_equal(parse(&seen, value, strlen(value)), AUTHOR_NO_DOMAIN);
	assert_int_equal(seen.count, 2);
}

static void the_caller_can_stop(void **state)
{
	static const char value[] = "a@b.example, c@d.example, (";
	struct seen seen = { .stop_after = 1 };

	(void)state;
	assert_int_equal(author_parse(value, strlen(value), author_note, &seen), AUTHOR_OK);
	assert_int_equal(seen.count, 1);
}

static void what_an_mta_may_cut_is_refused(void **state)
{
	static char value[AUTHOR_FIELD_MAX + 2];
	struct seen seen;

	(void)state;
	memset(value, ' ', sizeof(value));
	memcpy(value, "a@b.example", 11);
	assert_int_equal(parse(&seen, value, 980), AUTHOR_OK);
	assert_int_equal(parse(&seen, value, 1000), AUTHOR_TOO_LONG);
	memcpy(value + 1000, "\n (x)", 5);
	assert_int_equal(parse(&seen, value, 1005), AUTHOR_TOO_LONG);
	for (size_t i = 900; i + 8 < AUTHOR_FIELD_MAX; i += 900)
		memcpy(value + i, "\n (x)", 5);
	memcpy(value + AUTHOR_FIELD_MAX - 3, "(x)", 3);
	assert_int_equal(parse(&seen, value, AUTHOR_FIELD_MAX), AUTHOR_OK);
	assert_int_equal(parse(&seen, value, AUTHOR_FIELD_MAX + 1), AUTHOR_TOO_LONG);
}

/* 58 kB of what makes bad parsers quadratic or recursive, in lines that an MTA lets through. */
static void hostile_repetition_takes_no_time(void **state)
{
	static const char *const parts[] = {
		"(", "()", "(()", "\"", "\\",	    "<",   "=?u?Q?x", "=?u?Q?a?=", "a@b.example,",
		"@", "a.", ",",	  "=",	"\xc3\xbc", "(\\", "xn--",    "\"\" ",	   "a@\xc3\xbc.example,"
	};
	static char value[AUTHOR_FIELD_MAX];
	struct seen seen;
	clock_t start = clock();

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t part = strlen(parts[i]);
		size_t len = 0;
		size_t line = 0;

		while (len + part + 2 < sizeof(value)) {
			if (line + part > 900) {
				memcpy(value + len, "\n ", 2);
				len += 2;
				line = 0;
			}
			memcpy(value + len, parts[i], part);
			len += part;
			line += part;
		}
		parse(&seen, value, len);
	}
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
}

static bool named(const char *name, enum author_field field)
{
	return author_field_of(name, strlen(name)) == field;
}

static void author_fields_are_known_by_name(void **state)
{
	(void)state;
	assert_true(named("From", AUTHOR_FIELD_FROM));
	assert_true(named("fROM", AUTHOR_FIELD_FROM));
	assert_true(named("From \t", AUTHOR_FIELD_FROM));
	assert_true(named("From\r\n ", AUTHOR_FIELD_FROM));
	assert_true(named("SENDER", AUTHOR_FIELD_SENDER));
	assert_true(named("Resent-From", AUTHOR_FIELD_NONE));
	assert_true(named("From-Name", AUTHOR_FIELD_NONE));
	assert_true(named("Fro", AUTHOR_FIELD_NONE));
	assert_true(named("", AUTHOR_FIELD_NONE));
	assert_int_equal(author_field_of("From\0", 5), AUTHOR_FIELD_FROM);
}

static bool within(const char *value)
{
	return author_field_within(value, strlen(value));
}

static void hidden_author_fields_are_found(void **state)
{
	(void)state;
	assert_true(within("x\nFrom: a@b.example"));
	assert_true(within("x\rsender : a@b.example"));
	assert_true(within("x\r\nFROM:"));
	assert_true(within("\nfrom:"));
	assert_false(within("x\r\n From: a@b.example"));
	assert_false(within("From: a@b.example"));
	assert_false(within("x\nFrom a@b.example"));
	assert_false(within("x\nX-From: a@b.example"));
	assert_false(within("x\n"));
	assert_false(within(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailboxes_are_reported_in_order),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(every_cut_is_harmless),
		cmocka_unit_test(nul_is_refused),
		cmocka_unit_test(mailboxes_before_the_fault_are_reported),
		cmocka_unit_test(the_caller_can_stop),
		cmocka_unit_test(what_an_mta_may_cut_is_refused),
		cmocka_unit_test(hostile_repetition_takes_no_time),
		cmocka_unit_test(author_fields_are_known_by_name),
		cmocka_unit_test(hidden_author_fields_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
