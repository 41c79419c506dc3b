/*
 * The milter `selfcheck`: which rule objects to what, and whose signature counts.
 */
#include "test.h"

#include <string.h>

#include "milters/selfcheck/policy.h"
#include "milters/selfcheck/signature.h"

static const struct selfcheck_limits all_reject = { { SELFCHECK_REJECT, SELFCHECK_REJECT, SELFCHECK_REJECT,
						      SELFCHECK_REJECT, SELFCHECK_REJECT } };

/* The codes of all rules that object, in their order. */
static void objections(const struct selfcheck_facts *facts, const struct selfcheck_limits *limits, char *out)
{
	out[0] = '\0';
	for (int rule = 0; rule < SELFCHECK_RULES; rule++) {
		const struct verdict verdict = selfcheck_decide((enum selfcheck_rule)rule, facts, limits);

		if (verdict.rule)
			strcat(strcat(out, verdict.rule->code), " ");
	}
}

static void each_combination_has_its_objections(void **state)
{
	static const struct {
		enum selfcheck_spf spf;
		bool missing, bites, aligned, is_signed;
		const char *codes;
	} rows[] = {
		{ SELFCHECK_PASS, false, false, true, false, "" },
		{ SELFCHECK_PASS, false, true, true, false, "" },
		{ SELFCHECK_PASS, false, true, false, false, "SLF21 " },
		{ SELFCHECK_PASS, false, true, false, true, "" },
		{ SELFCHECK_SILENT, true, false, true, false, "" },
		{ SELFCHECK_SILENT, true, true, true, false, "SLF20 " },
		{ SELFCHECK_SILENT, true, true, true, true, "" },
		{ SELFCHECK_SOFTFAIL, true, false, false, false, "SLF11 " },
		{ SELFCHECK_SOFTFAIL, true, true, true, false, "SLF11 SLF20 " },
		{ SELFCHECK_FAIL, true, false, true, false, "SLF10 " },
		{ SELFCHECK_FAIL, true, true, true, false, "SLF10 SLF20 " },
		{ SELFCHECK_FAIL, true, true, true, true, "SLF10 " },
		{ SELFCHECK_FAIL, true, true, false, false, "SLF10 SLF21 " },
		{ SELFCHECK_PERMERROR, false, true, true, false, "SLF12 " },
		/* nothing is held against what is not known */
		{ SELFCHECK_UNKNOWN, false, true, true, false, "" },
		/* the SPF of another domain would not help, whatever it says */
		{ SELFCHECK_UNKNOWN, false, true, false, false, "SLF21 " },
		{ SELFCHECK_UNKNOWN, false, true, false, true, "" },
	};
	char codes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct selfcheck_facts facts = { .spf = rows[i].spf,
						       .mail_from = span_of("a.example"),
						       .missing = span_of(rows[i].missing ? "ip4:192.0.2.1" : ""),
						       .problem = span_of("it is broken"),
						       .header_from = span_of("b.example"),
						       .dmarc_bites = rows[i].bites,
						       .aligned = rows[i].aligned,
						       .signed_by_author = rows[i].is_signed };

		objections(&facts, &all_reject, codes);
		if (strcmp(codes, rows[i].codes) != 0)
			fail_msg("row %zu: '%s', not '%s'", i, codes, rows[i].codes);
	}
}

static void a_verdict_names_domain_and_remedy(void **state)
{
	const struct selfcheck_facts facts = { .spf = SELFCHECK_FAIL,
					       .mail_from = span_of("a.example"),
					       .missing = span_of("ip4:192.0.2.1"),
					       .header_from = span_of("b.example"),
					       .dmarc_bites = true };
	struct selfcheck_limits limits = all_reject;
	struct verdict verdict = selfcheck_decide(SELFCHECK_SPF_FAIL, &facts, &limits);

	(void)state;
	assert_true(span_is(verdict.about, "a.example") && span_is(verdict.detail, "ip4:192.0.2.1"));
	verdict = selfcheck_decide(SELFCHECK_DMARC_ALIGNMENT, &facts, &limits);
	assert_true(span_is(verdict.about, "b.example") && span_is(verdict.detail, "a.example"));
	limits.action[SELFCHECK_SPF_FAIL] = SELFCHECK_WARN;
	assert_int_equal(selfcheck_decide(SELFCHECK_SPF_FAIL, &facts, &limits).action, ACTION_OBSERVE);
	limits.action[SELFCHECK_SPF_FAIL] = SELFCHECK_HOLD;
	assert_int_equal(selfcheck_decide(SELFCHECK_SPF_FAIL, &facts, &limits).action, ACTION_HOLD);
	limits.action[SELFCHECK_SPF_FAIL] = SELFCHECK_OFF;
	assert_null(selfcheck_decide(SELFCHECK_SPF_FAIL, &facts, &limits).rule);
}

static void a_signature_counts_for_its_organisation(void **state)
{
	static const struct {
		const char *field;
		bool counts;
	} rows[] = {
		{ "v=1; d=shop.example; b=x", true },
		{ "v=1;d=SHOP.example", true },
		{ "v=1; a=rsa-sha256;\r\n\td =\r\n\t mail.shop.example ;b=", true },
		{ "d=shop.example.", true },
		{ "v=1; d=other.example; b=x", false },
		{ "v=1; d=notshop.example; b=x", false },
		/* the first counts: a second makes it invalid, RFC 6376 3.2 */
		{ "d=other.example; d=shop.example", false },
		{ "v=1; bd=shop.example; b=d=shop.example", false },
		{ "i=@shop.example; b=x", false },
		{ "", false },
		{ ";;;=;d", false },
		{ "d=", false },
		{ "d=shop.example\001", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (signature_is_of(span_of(rows[i].field), "shop.example") != rows[i].counts)
			fail_msg("%s", rows[i].field);
	assert_false(signature_is_of((struct span){ "d=shop.example\0", 15 }, "shop.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_combination_has_its_objections),
		cmocka_unit_test(a_verdict_names_domain_and_remedy),
		cmocka_unit_test(a_signature_counts_for_its_organisation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
