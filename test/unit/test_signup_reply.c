/*
 * The words of a refusal by `signup`: numbers, windows, and when it is free again.
 */
#include "test.h"

#include <stdio.h>
#include <time.h>

#include "milters/signup/reply.h"

#define MONDAY (INT64_C(1774224000) * 1000) /* 2026-03-23 00:00 UTC */
#define HOUR_MS INT64_C(3600000)

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static const char *value_of(const struct reply_words *words, const char *name)
{
	static char value[200];

	for (const struct reply_word *at = words->at; at->name; at++)
		if (!strcmp(at->name, name)) {
			snprintf(value, sizeof(value), "%.*s", (int)at->value.len, at->value.at);
			return value;
		}
	fail_msg("no word %s", name);
	return NULL;
}

static struct signup_finding finding_of(uint32_t limit, uint32_t used, uint32_t adds, int64_t free_ms)
{
	return (struct signup_finding){
		.window = SIGNUP_DAY, .limit = limit, .used = used, .adds = adds, .free_ms = free_ms
	};
}

static const char *free_words(int64_t now_ms, int64_t free_ms, enum language language)
{
	static struct reply_words words;
	struct signup_finding finding = finding_of(16, 16, 1, free_ms);

	reply_words_make(&words, &finding, SIGNUP_CONFIRM, language, now_ms);
	return value_of(&words, "{free}");
}

static void numbers_kind_and_window(void **state)
{
	struct signup_finding finding = finding_of(16, 20, 3, MONDAY + HOUR_MS);
	struct reply_words words;

	(void)state;
	reply_words_make(&words, &finding, SIGNUP_CONFIRM, LANGUAGE_EN, MONDAY);
	assert_string_equal(value_of(&words, "{limit}"), "16");
	assert_string_equal(value_of(&words, "{used}"), "20");
	assert_string_equal(value_of(&words, "{adds}"), "3");
	assert_string_equal(value_of(&words, "{window}"), "in 24 hours");
	assert_string_equal(value_of(&words, "{kind}"), "sign-up and password mail");
	reply_words_make(&words, &finding, SIGNUP_PERSON, LANGUAGE_DE, MONDAY);
	assert_string_equal(value_of(&words, "{kind}"), "persoenliche Mails");
	assert_string_equal(value_of(&words, "{window}"), "in 24 Stunden");
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
	assert_string_equal(free_words(MONDAY, MONDAY + HOUR_MS + 1, LANGUAGE_EN),
			    "free again at 01:01 UTC (01:01 UTC)");
}

static void zones_without_a_name_are_said_in_digits(void **state)
{
	(void)state;
	zone("<+0545>-5:45");
	assert_string_equal(free_words(MONDAY, MONDAY + HOUR_MS, LANGUAGE_EN), "free again at 01:00 UTC (06:45 +0545)");
}

static void where_waiting_does_not_help(void **state)
{
	struct signup_finding finding = finding_of(20, 0, 90, 0);
	struct reply_words words;

	(void)state;
	reply_words_make(&words, &finding, SIGNUP_PERSON, LANGUAGE_EN, MONDAY);
	assert_string_equal(value_of(&words, "{free}"),
			    "waiting does not help, send it in parts of at most 20 new recipients");
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

/* The text with all words filled in, as rule_text() will have it. */
static size_t fill(const char *template, const struct reply_words *words, char *out, size_t size)
{
	struct text text;

	text_init(&text, out, size);
	while (*template) {
		const struct reply_word *at = words->at;

		while (at->name && strncmp(template, at->name, strlen(at->name)) != 0)
			at++;
		if (at->name) {
			text_escaped(&text, at->value.at, at->value.len, 100);
			template += strlen(at->name);
		} else {
			text_char(&text, *template ++);
		}
	}
	assert_false(text.cut);
	return text.len;
}

static void every_text_is_filled_and_fits_a_reply(void **state)
{
	static const char *const house[] = { "{about}", "{account}", "{client}" };
	struct signup_finding finding = finding_of(12800, 4294967295u, 12800, MONDAY + 30 * HOUR_MS);
	char text[1024];

	(void)state;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	for (unsigned rule = 0; rule < SIGNUP_RULES; rule++)
		for (unsigned language = 0; language < LANGUAGES; language++)
			for (unsigned kind = 0; kind < SIGNUP_KINDS; kind++) {
				struct reply_words words;
				size_t len;

				reply_words_make(&words, &finding, (enum signup_kind)kind, (enum language)language,
						 MONDAY);
				len = fill(signup_rules[rule].text[language], &words, text, sizeof(text));
				/* the judge cuts a reason at 360 bytes; a script's or domain's name has 60 */
				assert_in_range(len, 1, 300);
				for (char *brace = text; (brace = strchr(brace, '{')) != NULL; brace++) {
					bool is_house = false;

					for (unsigned i = 0; i < 3; i++)
						is_house |= !strncmp(brace, house[i], strlen(house[i]));
					assert_true(is_house);
				}
			}
}

#define TEST(name)                                            \
	{                                                     \
		"signup_reply_" #name, name, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_kind_and_window),
		TEST(free_again_in_both_clocks),
		TEST(the_minute_is_not_too_early),
		TEST(zones_without_a_name_are_said_in_digits),
		TEST(where_waiting_does_not_help),
		TEST(a_time_that_is_not_known_or_past),
		TEST(every_text_is_filled_and_fits_a_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
