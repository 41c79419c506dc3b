/*
 * Patterns: which addresses and domains they match, and which texts are none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "address/pattern.h"

struct match {
	const char *pattern, *local, *domain;
	bool matches;
};

static void assert_rows(const struct match *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *why = NULL;
		struct pattern *pattern = pattern_new(rows[i].pattern, &why);

		if (!pattern)
			fail_msg("%s: %s", rows[i].pattern, why);
		assert_null(why);
		assert_string_equal(pattern_text(pattern), rows[i].pattern);
		if (pattern_match(pattern, rows[i].local, strlen(rows[i].local), rows[i].domain) != rows[i].matches)
			fail_msg("%s on %s@%s: %d expected", rows[i].pattern, rows[i].local, rows[i].domain,
				 rows[i].matches);
		pattern_free(&pattern);
		assert_null(pattern);
	}
}

#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void a_domain_means_everything_below_it(void **state)
{
	static const struct match rows[] = {
		{ "example.com", "x", "example.com", true },
		{ "example.com", "x", "a.b.example.com", true },
		{ "example.com", "x", "badexample.com", false },
		{ "example.com", "x", "example.com.de", false },
		{ "example.com", "x", "com", false },
		{ "example.com", "x", "", false },
		{ "*.example.com", "x", "example.com", true },
		{ "*.example.com", "x", "a.b.example.com", true },
		{ "*.example.com", "x", "badexample.com", false },
		{ "EXAMPLE.com", "x", "www.example.com", true },
		{ "com", "x", "example.com", true },
		{ "*", "x", "example.com", true },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void wildcards_and_sets_work_in_domains(void **state)
{
	static const struct match rows[] = {
		{ "cp[0-9]+.cp?server.example.com", "x", "cp9999.cp1server.example.com", true },
		{ "cp[0-9]+.cp?server.example.com", "x", "www.cp9999.cp1server.example.com", true },
		{ "cp[0-9]+.cp?server.example.com", "x", "cp.cp1server.example.com", false },
		{ "cp[0-9]+.cp?server.example.com", "x", "cpx.cp1server.example.com", false },
		{ "cp[0-9]+.cp?server.example.com", "x", "cp9999.cpserver.example.com", false },
		{ "*.cp[0-9]server.example.com", "x", "cp1server.example.com", true },
		{ "*.cp[0-9]server.example.com", "x", "xcp1server.example.com", false },
		{ "cp*.example.com", "x", "cp.example.com", true },
		{ "cp*.example.com", "x", "cp1.b.example.com", true },
		{ "cp*.example.com", "x", "acp1.example.com", false },
		{ "[a-c-]x.example", "x", "-x.example", true },
		{ "[a.]x.example", "x", "ax.example", true },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void an_address_matches_as_a_whole(void **state)
{
	static const struct match rows[] = {
		{ "cp[0-9]+@*", "cp9999", "example.com", true },
		{ "cp[0-9]+@*", "CP1", "example.com", true },
		{ "cp[0-9]+@*", "cp", "example.com", false },
		{ "cp[0-9]+@*", "cp9x", "example.com", false },
		{ "cp[0-9]+@*", "xcp9", "example.com", false },
		{ "cp[0-9]+@*", "cp9", "", true },
		{ "info@example.com", "info", "example.com", true },
		{ "info@example.com", "Info", "example.com", true },
		{ "info@example.com", "info", "www.example.com", false },
		{ "info@*.example.com", "info", "www.example.com", true },
		{ "info@*.example.com", "info", "example.com", true },
		{ "*@example.com", "", "example.com", true },
		{ "?@example.com", "", "example.com", false },
		{ "a*b**c@*", "axxbyyc", "example.com", true },
		{ "a*b**c@*", "abc", "example.com", true },
		{ "a*b**c@*", "acb", "example.com", false },
		{ "user[+]tag@*", "user+tag", "example.com", true },
		{ "uset+@*", "usettt", "example.com", true },
		{ "[@]x@*", "@x", "example.com", true },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void quotes_and_escapes_hide_nothing(void **state)
{
	static const struct match rows[] = {
		{ "cp[0-9]+@*", "\"cp9999\"", "example.com", true },
		{ "cp[0-9]+@*", "\"c\\p99\\99\"", "example.com", true },
		{ "cp[0-9]+@*", "cp\"99\"99", "example.com", true },
		{ "cp[0-9]+@*", "\"cp9999 \"", "example.com", false },
		{ "cp*@*", "\"cp\\\"x\"", "example.com", true },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void a_character_is_a_character_not_a_byte(void **state)
{
	static const struct match rows[] = {
		{ "?x@*", "\303\274x", "example.com", true },
		{ "?x@*", "\360\237\230\200x", "example.com", true },
		{ "??x@*", "\303\274x", "example.com", false },
		{ "m\303\274ller@*", "m\303\274ller", "example.com", true },
		{ "?+x@*", "\303\274\303\274x", "example.com", true },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void unicode_domains_become_a_labels(void **state)
{
	static const struct match rows[] = {
		{ "m\303\274nchen.example", "x", "xn--mnchen-3ya.example", true },
		{ "*.m\303\274nchen.example", "x", "www.xn--mnchen-3ya.example", true },
		{ "*@m\303\274nchen.cp?.example", "x", "xn--mnchen-3ya.cp1.example", true },
		{ "xn--mnchen-3ya.example", "x", "xn--mnchen-3ya.example", true },
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void bad_patterns_are_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *pattern, *why;
	} rows[] = {
		{ "", "the domain is missing" },
		{ "info@", "the domain is missing" },
		{ "@example.com", "part before the @ is missing" },
		{ "a@b@c", "at most one @" },
		{ "a..b", "no domain" },
		{ ".a", "no domain" },
		{ "a.", "no domain" },
		{ "a*..b", "empty label" },
		{ "*.", "empty label" },
		{ "+a", "and there is none" },
		{ "a++", "and there is none" },
		{ "*+", "and there is none" },
		{ "a.+b", "and there is none" },
		{ "[]a", "at least one character" },
		{ "[", "at least one character" },
		{ "[abc", "at least one character" },
		{ "[^a]", "cannot exclude" },
		{ "[z-a]", "goes upwards" },
		{ "[[a]", "ASCII characters only" },
		{ "[\303\274]@*", "ASCII characters only" },
		{ "\303\274+@*", "ASCII character only" },
		{ "m\303\274*.example", "A-label" },
		{ "a b.example", "blanks" },
		{ "\"cp\"@*", "no quotes" },
		{ "a/b*.example", "letters, digits, hyphens" },
		{ "a/b.example", "no domain" },
		{ "-a.example", "no domain" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@*", "at most 64 items" },
		{ "[a-z].aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "at most 64 items" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;

		if (pattern_new(rows[i].pattern, &why))
			fail_msg("'%s' is a pattern", rows[i].pattern);
		assert_non_null(why);
		if (!strstr(why, rows[i].why))
			fail_msg("'%s': %s", rows[i].pattern, why);
	}
}

static void sixty_four_items_fit(void **state)
{
	static const char pattern[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk*@*";
	struct match rows[] = {
		{ pattern, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkxx", "a.b", true },
		{ pattern, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij", "a.b", false }
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void matching_takes_time_proportional_to_the_text(void **state)
{
	static char text[1 << 20];
	const char *why;
	struct pattern *pattern = pattern_new("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab@*", &why);
	clock_t start = clock();

	(void)state;
	assert_non_null(pattern);
	memset(text, 'a', sizeof(text));
	assert_false(pattern_match(pattern, text, sizeof(text), "example.com"));
	/* a few ms; with backtracking it would not end */
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	pattern_free(&pattern);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_means_everything_below_it),
		cmocka_unit_test(wildcards_and_sets_work_in_domains),
		cmocka_unit_test(an_address_matches_as_a_whole),
		cmocka_unit_test(quotes_and_escapes_hide_nothing),
		cmocka_unit_test(a_character_is_a_character_not_a_byte),
		cmocka_unit_test(unicode_domains_become_a_labels),
		cmocka_unit_test(bad_patterns_are_refused_with_a_sentence),
		cmocka_unit_test(sixty_four_items_fit),
		cmocka_unit_test(matching_takes_time_proportional_to_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
