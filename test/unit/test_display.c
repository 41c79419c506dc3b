/*
 * Which addresses an author's name shows.
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

struct shown {
	char text[512];
	int count;
	int stop_after;
};

static bool shown_note(void *arg, const char *domain)
{
	struct shown *shown = arg;
	size_t len = strlen(shown->text);

	snprintf(shown->text + len, sizeof(shown->text) - len, "%s%s", len ? " " : "", domain);
	return ++shown->count != shown->stop_after;
}

/* clang-format off */
static const struct {
	const char *display;
	const char *shown;
} cases[] = {
	{ "", "" },
	{ "Max Muster", "" },
	{ "chef@opfer.example", "opfer.example" },
	{ "\"chef@opfer.example\"", "opfer.example" },
	{ "\"chef@OPFER.example.\"", "opfer.example" },
	{ "(chef@opfer.example)", "opfer.example" },
	{ "\"Chef <chef@opfer.example>, x@bank.example\"", "opfer.example bank.example" },
	{ "\"a@b@opfer.example\"", "opfer.example" },
	{ "\"chef\\@opfer.example\"", "opfer.example" },
	{ "\"\\\"chef\\\"@opfer.example\"", "opfer.example" },
	{ "chef@opfer.example-", "opfer.example" },
	{ "Caf\xc3\xa9@Home", "" },
	{ "3 @ 5.50 Euro", "" },
	{ "@opfer.example", "" },
	{ "chef @opfer.example", "" },
	{ "chef@192.0.2.1", "" },
	{ "chef@m\xc3\xbcller.example", "xn--mller-kva.example" },
	{ "chef@M\xc3\x9cLLER.example", "xn--mller-kva.example" },
	{ "chef\xef\xbc\xa0opfer.example", "opfer.example" },
	{ "chef\xef\xb9\xabopfer.example", "opfer.example" },
	{ "chef@opfer\xe3\x80\x82" "example", "opfer.example" },
	{ "chef@\xef\xbd\x8fpfer\xef\xbc\x8e" "example", "opfer.example" },
	{ "chef@opfer.example\xe2\x80\xa6", "opfer.example" },
	{ "chef@opfer.example\xc2\xa0x", "opfer.example" },
	{ "chef@opf\xc2\xad" "er.example", "opfer.example" },
	{ "=?utf-8?Q?chef=40opfer.example?=", "opfer.example" },
	{ "=?UTF-8?B?Y2hlZkBvcGZlci5leGFtcGxl?=", "opfer.example" },
	{ "\"=?utf-8?q?chef=40opfer.example?=\"", "opfer.example" },
	{ "=?utf-8?Q?chef=40op?= =?utf-8?Q?fer.example?=", "opfer.example" },
	{ "=?utf-8?Q?chef?=\r\n\t=?utf-8?Q?=40opfer.example?=", "opfer.example" },
	{ "=?utf-8?Q?chef=40op?= fer.example", "" },
	{ "=?us-ascii?Q?chef=40opfer.example?=", "opfer.example" },
	{ "=?iso-8859-1?Q?chef=40m=FCller.example?=", "xn--mller-kva.example" },
	{ "=?ISO-8859-15?Q?chef=40m=FCller.example?=", "xn--mller-kva.example" },
	{ "=?iso-8859-15?Q?chef=40=BDvre.example?=", "xn--vre-eya.example" },
	{ "=?windows-1252?Q?chef=40=9Cvre.example?=", "xn--vre-eya.example" },
	{ "=?windows-1251?Q?=E0_chef=40opfer.example?=", "opfer.example" },
	{ "=?utf-8*de?Q?chef=40opfer.example?=", "opfer.example" },
	{ "=?ISO-2022-JP?B?GyRCOzNAbi5hQE8bKEI=?=", "" },
	{ "=?utf-8?Q?M=C3?= =?utf-8?Q?=BCller_chef=40opfer.example?=", "opfer.example" },
	{ "=?utf-8?Q?=FF=C3chef=40opfer.example?=", "opfer.example" },
	{ "=?utf-8?Q?open chef@opfer.example", "opfer.example" },
	{ "=?utf-8?Q?a_chef=40opfer.example b?=", "opfer.example" },
	{ "=?utf-8?Q?Wer=3F=40?=", "" },
	{ "=?utf-8?Q?=F0=80=80=80chef=40opfer.example?=", "opfer.example" },
	{ "=?utf-8?Q?=F0=9F=98=80chef=40opfer.example?=", "opfer.example" },
	{ "chef@\xf0\x9f\x98\x80.example", "" },
	{ "=?utf-8?X?chef=40opfer.example?=", "" },
	{ "=?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?Q?chef=40opfer.example?=", "" },
};
/* clang-format on */

static void shown_addresses_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shown shown = { "", 0, 0 };
		struct span display = { cases[i].display, strlen(cases[i].display) };

		display_addresses(display, shown_note, &shown);
		if (strcmp(shown.text, cases[i].shown) != 0)
			fail_msg("%s showed: %s", cases[i].display, shown.text);
	}
}

static void the_caller_can_stop(void **state)
{
	static const char text[] = "a@b.example c@d.example e@f.example";
	struct shown shown = { "", 0, 2 };
	struct span display = { text, strlen(text) };

	(void)state;
	display_addresses(display, shown_note, &shown);
	assert_string_equal(shown.text, "b.example d.example");
	memset(&shown, 0, sizeof(shown));
	shown.stop_after = 1;
	display.at = "=?utf-8?Q?a=40b.example_c=40d.example?=";
	display.len = strlen(display.at);
	display_addresses(display, shown_note, &shown);
	assert_string_equal(shown.text, "b.example");
}

static void long_texts_take_no_time(void **state)
{
	static const char *const parts[] = { "(",  "\"",     "\\",	     "=?u?Q?x", "=?utf-8?Q?=C3?= ",
					     "a@", "a@b.c ", "a@\xc3\x9c.b " };
	static char text[59000];
	clock_t start = clock();

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct shown shown = { "", 0, 0 };
		struct span display = { text, 0 };
		size_t part = strlen(parts[i]);

		while (display.len + part < sizeof(text)) {
			memcpy(text + display.len, parts[i], part);
			display.len += part;
		}
		display_addresses(display, shown_note, &shown);
	}
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
}

static void an_endless_domain_is_cut(void **state)
{
	static char text[5000];
	struct shown shown = { "", 0, 0 };
	struct span display = { text, sizeof(text) };

	(void)state;
	memset(text, 'a', sizeof(text));
	text[1] = '@';
	for (size_t i = 10; i < sizeof(text); i += 10)
		text[i] = '.';
	display_addresses(display, shown_note, &shown);
	assert_int_equal(shown.count, 0);
}

static void a_field_is_read_as_it_is_shown(void **state)
{
	static const struct {
		const char *value, *shown;
	} rows[] = {
		{ "hello", "hello" },
		{ "=?UTF-8?Q?Best=C3=A4tigen?=", "Best\xc3\xa4tigen" },
		{ "a =?utf-8?b?w6Q=?= =?utf-8?b?w7Y=?=\r\n b", "a \xc3\xa4\xc3\xb6 b" },
		{ "=?ISO-8859-1?Q?gr=FC=DFe?=", "gr\xc3\xbc\xc3\x9f"
						"e" },
		{ "=?windows-1252?Q?=8Aa?=", "\xc5\xa0"
					     "a" },
		{ "=?KOI8-R?B?8NLJ?= x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd x" },
		{ "=?GB2312?B?xOO6?= x", "\xef\xbf\xbd x" },
		{ "raw \xc3\xa4 and \xff", "raw \xc3\xa4 and \xef\xbf\xbd" },
		{ "1=2 =?no", "1=2 =?no" },
		{ "", "" },
	};
	char buffer[64];
	struct text text;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		text_init(&text, buffer, sizeof(buffer));
		field_text(span_of(rows[i].value), &text);
		assert_string_equal(buffer, rows[i].shown);
	}
	/* cut at a code point */
	text_init(&text, buffer, 6);
	field_text(span_of("abcd\xc3\xa4z"), &text);
	assert_string_equal(buffer, "abcd");
	assert_true(text.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown_addresses_are_found),	  cmocka_unit_test(the_caller_can_stop),
		cmocka_unit_test(long_texts_take_no_time),	  cmocka_unit_test(an_endless_domain_is_cut),
		cmocka_unit_test(a_field_is_read_as_it_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
