/*
 * What a refusal by `signup` says that it counted: numbers, windows, and when it is free again.
 */
#include "test.h"

#include <time.h>

#include "milters/signup/detail.h"

#define MONDAY (INT64_C(1774224000) * 1000) /* 2026-03-23 00:00 UTC */
#define HOUR_MS INT64_C(3600000)

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static const char *detail(enum signup_rule rule, struct signup_finding finding, enum signup_kind kind,
			  enum language language, int64_t now_ms)
{
	static char buffer[DETAIL_BYTES];
	struct text text;

	finding.verdict.rule = &signup_rules[rule];
	text_init(&text, buffer, sizeof(buffer));
	detail_write(&finding, kind, language, now_ms, &text);
	return buffer;
}

static struct signup_finding finding_of(uint32_t limit, uint32_t used, uint32_t adds, int64_t free_ms)
{
	return (struct signup_finding){
		.window = SIGNUP_DAY, .limit = limit, .used = used, .adds = adds, .free_ms = free_ms
	};
}

static const char *free_words(int64_t now_ms, int64_t free_ms, enum language language)
{
	const char *text = detail(SIGNUP_ACCOUNT, finding_of(16, 16, 1, free_ms), SIGNUP_CONFIRM, language, now_ms);

	return strstr(text, "; ") + 2;
}

static void units_numbers_kind_and_window(void **state)
{
	struct signup_finding finding = finding_of(16, 20, 3, MONDAY + HOUR_MS);

	(void)state;
	zone("UTC");
	assert_string_equal(detail(SIGNUP_SCRIPT, finding, SIGNUP_CONFIRM, LANGUAGE_EN, MONDAY),
			    "20 new recipients in 24 hours by sign-up mail, limit 16, this mail 3; "
			    "free again at 01:00 UTC");
	finding.window = SIGNUP_HOUR;
	assert_string_equal(detail(SIGNUP_SCRIPT, finding, SIGNUP_PERSON, LANGUAGE_DE, MONDAY),
			    "20 neue Empfaenger in einer Stunde durch persoenliche Mails, Grenze 16, diese Mail 3; "
			    "wieder frei um 01:00 UTC");
	assert_string_equal(detail(SIGNUP_VICTIM, finding, SIGNUP_CONFIRM, LANGUAGE_EN, MONDAY),
			    "20 messages in one hour by sign-up mail, limit 16; free again at 01:00 UTC");
}

static void free_again_in_both_clocks(void **state)
{
	(void)state;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	assert_string_equal(free_words(MONDAY, MONDAY + 14 * HOUR_MS, LANGUAGE_EN),
			    "free again at 14:00 UTC (15:00 CET)");
	assert_string_equal(free_words(MONDAY, MONDAY + 14 * HOUR_MS, LANGUAGE_DE),
			    "wieder frei um 14:00 UTC (15:00 CET)");
	/* the next day, and local time is a day ahead of UTC */
	assert_string_equal(free_words(MONDAY, MONDAY + 47 * HOUR_MS + HOUR_MS / 2, LANGUAGE_EN),
			    "free again at 2026-03-24 23:30 UTC (2026-03-25 00:30 CET)");
	/* over the change to summer time, 2026-03-29 01:00 UTC */
	assert_string_equal(free_words(MONDAY + 144 * HOUR_MS, MONDAY + 146 * HOUR_MS, LANGUAGE_EN),
			    "free again at 02:00 UTC (04:00 CEST)");
}

static void the_minute_is_not_too_early(void **state)
{
	(void)state;
	zone("UTC");
	assert_string_equal(free_words(MONDAY, MONDAY + HOUR_MS + 2000, LANGUAGE_EN), "free again at 01:01 UTC");
	/* the store's clock and this host's, read one after the other */
	assert_string_equal(free_words(MONDAY, MONDAY + HOUR_MS + 3, LANGUAGE_EN), "free again at 01:00 UTC");
	assert_string_equal(free_words(MONDAY, MONDAY + HOUR_MS - 3, LANGUAGE_EN), "free again at 01:00 UTC");
}

static void one_clock_where_local_time_is_utc(void **state)
{
	(void)state;
	zone("GMT0BST,M3.5.0/1,M10.5.0");
	assert_string_equal(free_words(MONDAY, MONDAY + HOUR_MS, LANGUAGE_EN), "free again at 01:00 UTC");
	/* in summer it is not */
	assert_string_equal(free_words(MONDAY + 144 * HOUR_MS, MONDAY + 146 * HOUR_MS, LANGUAGE_EN),
			    "free again at 02:00 UTC (03:00 BST)");
}

static void zones_without_a_name_are_said_in_digits(void **state)
{
	(void)state;
	zone("<+0545>-5:45");
	assert_string_equal(free_words(MONDAY, MONDAY + HOUR_MS, LANGUAGE_EN), "free again at 01:00 UTC (06:45 +0545)");
}

static void where_waiting_does_not_help(void **state)
{
	(void)state;
	assert_string_equal(detail(SIGNUP_ACCOUNT, finding_of(20, 0, 90, 0), SIGNUP_PERSON, LANGUAGE_EN, MONDAY),
			    "0 new recipients in 24 hours by personal mail, limit 20, this mail 90; "
			    "waiting does not help, send at most 20 at a time");
}

static void a_time_that_is_not_known_or_past(void **state)
{
	(void)state;
	zone("UTC");
	assert_string_equal(free_words(MONDAY, 0, LANGUAGE_EN), "try again later");
	assert_string_equal(free_words(MONDAY, MONDAY - HOUR_MS, LANGUAGE_DE), "bitte spaeter erneut senden");
	/* no year of a calendar: no time is told, nothing crashes */
	free_words(MONDAY, INT64_MAX - 60000, LANGUAGE_EN);
}

static void every_detail_fits_a_reply(void **state)
{
	struct signup_finding finding = finding_of(12800, 12800, 999, MONDAY + 47 * HOUR_MS + HOUR_MS / 2);

	(void)state;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	for (unsigned rule = 0; rule < SIGNUP_RULES; rule++)
		for (unsigned language = 0; language < LANGUAGES; language++)
			for (unsigned kind = 0; kind < SIGNUP_KINDS; kind++) {
				const char *text = detail((enum signup_rule)rule, finding, (enum signup_kind)kind,
							  (enum language)language, MONDAY);

				/* not cut: it ends with the local time */
				assert_int_equal(text[strlen(text) - 1], ')');
				for (const char *c = text; *c; c++)
					assert_true(*c >= ' ' && *c <= '~');
			}
	/* what does not fit is cut, and nothing else happens */
	finding = finding_of(UINT32_MAX, UINT32_MAX, UINT32_MAX - 1, MONDAY + 23 * HOUR_MS);
	assert_in_range(strlen(detail(SIGNUP_ACCOUNT, finding, SIGNUP_PERSON, LANGUAGE_DE, MONDAY)), 1,
			DETAIL_BYTES - 1);
}

#define TEST(name)                                             \
	{                                                      \
		"signup_detail_" #name, name, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(units_numbers_kind_and_window),	 TEST(free_again_in_both_clocks),
		TEST(the_minute_is_not_too_early),	 TEST(zones_without_a_name_are_said_in_digits),
		TEST(one_clock_where_local_time_is_utc), TEST(zones_without_a_name_are_said_in_digits),
		TEST(where_waiting_does_not_help),	 TEST(a_time_that_is_not_known_or_past),
		TEST(every_detail_fits_a_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
