/*
 * RFC 7208 6.2: what a domain says about its fail. And texts that break libspf2.
 */
#include <stdio.h>

#include "test/unit/spf_case.h"

/* ---- 6.2: explanations -------------------------------------------------------------------------------- */

static void a_fail_is_explained_by_the_record_that_decides(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 include:i.example -all exp=d.why.example" },
		{ "i.example", "TXT", "v=spf1 -all exp=i.why.example" },
		{ "r.example", "TXT", "v=spf1 redirect=d.example exp=r.why.example" },
		{ "ri.example", "TXT", "v=spf1 include:r.example redirect=bare.example exp=r.why.example" },
		{ "bare.example", "TXT", "v=spf1 -all" },
		{ "soft.example", "TXT", "v=spf1 ~all exp=d.why.example" },
		{ "d.why.example", "TXT", "%{d}: %{c} is no host of %{s}" },
		{ "i.why.example", "TXT", "included" },
		{ "r.why.example", "TXT", "redirected" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "a@d.example", SPF_RESULT_FAIL, "d.example: 192.0.2.1 is no host of a@d.example" },
		{ CLIENT, "x", "a@r.example", SPF_RESULT_FAIL, "d.example: 192.0.2.1 is no host of a@r.example" },
		{ CLIENT, "x", "a@ri.example", SPF_RESULT_FAIL, "" },
		{ CLIENT, "x", "a@soft.example", SPF_RESULT_SOFTFAIL, "" },
	};

	(void)state;
	CHECK(zone, cases);
}

static void a_bad_explanation_is_none(void **state)
{
	static const char *const texts[] = {
		"two lines\r\n250 ok", "bell \x07", "gr\xc3\xbc\xc3\x9f", "%{x}", "%", "%{d", "%{d0}",
		"100% sure",	       "tab\t",
	};
	static rows zone = {
		{ "two.example", "TXT", "v=spf1 -all exp=two.why.example" },
		{ "two.why.example", "TXT", "one" },
		{ "two.why.example", "TXT", "two" },
		{ "none.example", "TXT", "v=spf1 -all exp=none.why.example" },
		{ "slow.example", "TXT", "v=spf1 -all exp=slow.why.example" },
		{ "slow.why.example", "TIMEOUT", "" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "a@two.example", SPF_RESULT_FAIL, "" },
		{ CLIENT, "x", "a@none.example", SPF_RESULT_FAIL, "" },
		{ CLIENT, "x", "a@slow.example", SPF_RESULT_FAIL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *const why[][3] = { { "why.example", "TXT", texts[i] }, { NULL, NULL, NULL } };
		struct spf_outcome outcome = outcome_of("v=spf1 -all exp=why.example", why, false);

		assert_int_equal(outcome.result, SPF_RESULT_FAIL);
		assert_string_equal(outcome.explanation, "");
	}
	CHECK(zone, cases);
}

static void an_explanation_is_one_short_line(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 -all exp=why.example" },
		{ "why.example", "TXT", "%{h} %{l} %{H}" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x\r\n250 ok", "a\tb@d.example", SPF_RESULT_FAIL, "x??250 ok a?b x%0D%0A250%20ok" },
	};
	char text[5000];
	const char *const long_zone[][3] = { { "why.example", "TXT", text }, { NULL, NULL, NULL } };
	struct spf_outcome outcome;

	(void)state;
	CHECK(zone, cases);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	outcome = outcome_of("v=spf1 -all exp=why.example", long_zone, false);
	assert_int_equal(strlen(outcome.explanation), sizeof(outcome.explanation) - 1);
}

/* ---- what breaks libspf2 ------------------------------------------------------------------------------ */

static void fill_macros(char *to, size_t size, const char *start, const char *macro, unsigned count, const char *end)
{
	snprintf(to, size, "%s", start);
	for (unsigned i = 0; i < count; i++)
		snprintf(to + strlen(to), size - strlen(to), "%s", macro);
	snprintf(to + strlen(to), size - strlen(to), "%s", end);
}

static void explained_by(const char *text)
{
	const char *const zone[][3] = { { "why.example", "TXT", text }, { NULL, NULL, NULL } };

	record_gives("v=spf1 -all exp=why.example", zone, SPF_RESULT_FAIL);
}

/* CVE-2021-20314, CVE-2023-42118: macros and letters in exp=, exists:, unknown modifiers */
static void many_macros_and_letters_do_no_harm(void **state)
{
	char text[4096], letters[450];

	(void)state;
	memset(letters, 'A', 400);
	memcpy(letters + 400, ".example", 9);
	fill_macros(text, sizeof(text), "", "%{d}", 127, letters);
	explained_by(text);
	fill_macros(text, sizeof(text), "", "%{S9r-+}", 300, "");
	explained_by(text);
	fill_macros(text, sizeof(text), "v=spf1 exists:", "%{d}", 127, letters);
	record_gives(text, NULL, SPF_RESULT_NEUTRAL);
	fill_macros(text, sizeof(text), "v=spf1 x=", "%{d}", 127, letters);
	record_gives(text, NULL, SPF_RESULT_NEUTRAL);
	fill_macros(text, sizeof(text), "v=spf1 exp=", "%{d}", 127, letters);
	record_gives(text, NULL, SPF_RESULT_NEUTRAL);
	fill_macros(text, sizeof(text), "v=spf1 include:", "%{d}%{d}.", 300, "example -all");
	record_gives(text, NULL, SPF_RESULT_PERMERROR);
}

/* CVE-2021-33912: %02x of a negative char; CVE-2021-33913: reversal of what is longer than its source */
static void octets_and_reversals_do_no_harm(void **state)
{
	static rows zone = {
		{ "d.example", "TXT",
		  "v=spf1 exists:%{S}.%{L}.%{H}.x.example exists:%{lr-}.%{Hr.-}.x.example "
		  "a:%{d1r}.x.example -all exp=why.example" },
		{ "1r.x.example", "A", "127.0.0.2" },
		{ "why.example", "TXT", "%{S} %{Lr-} %{H1r} %{lr-+=}" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "\xff\xfe\x80", "\xff\xfe\x80\x81@d.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "....", "-------@d.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "", "-@d.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, ".", "+-=@d.example", SPF_RESULT_FAIL, NULL },
	};

	(void)state;
	CHECK(zone, cases);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fail_is_explained_by_the_record_that_decides),
		cmocka_unit_test(a_bad_explanation_is_none),
		cmocka_unit_test(an_explanation_is_one_short_line),
		cmocka_unit_test(many_macros_and_letters_do_no_harm),
		cmocka_unit_test(octets_and_reversals_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
