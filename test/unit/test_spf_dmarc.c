/*
 * DMARC records, by section of RFC 7489.
 */
#include "dns/dns.h"
#include "spf/dmarc.h"
#include "org_domain.h"
#include "test/unit/test.h"

/* 6.3, 6.4: v stands first and has exactly this value; blanks around "=" and ";" are allowed. */
static void a_record_begins_with_its_version(void **state)
{
	static const struct {
		const char *txt;
		bool is;
	} rows[] = {
		{ "v=DMARC1", true },
		{ "v=DMARC1;p=none", true },
		{ "v = DMARC1 ; p = none", true },
		{ "V=DMARC1; p=x", true },
		{ "v=dmarc1; p=none", false },
		{ "v=DMARC10; p=none", false },
		{ "p=none; v=DMARC1", false },
		{ "v=spf1 -all", false },
		{ "", false },
		{ "v", false },
		{ ";v=DMARC1", false },
		{ "v=DMARC1 p=none", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (dmarc_record_is(span_of(rows[i].txt)) != rows[i].is)
			fail_msg("%s", rows[i].txt);
}

static void tags_give_the_policy_and_defaults_the_rest(void **state)
{
	static const struct {
		const char *txt;
		struct dmarc_record is;
	} rows[] = {
		{ "v=DMARC1; p=reject", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1;p=QUARANTINE;", { DMARC_QUARANTINE, DMARC_QUARANTINE, 100, false, false } },
		{ "v=DMARC1; p=none; sp=reject", { DMARC_NONE, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1; p=reject; sp = none ; pct=5", { DMARC_REJECT, DMARC_NONE, 5, false, false } },
		{ "v=DMARC1; p=reject; pct=0", { DMARC_REJECT, DMARC_REJECT, 0, false, false } },
		{ "v=DMARC1; p=reject; aspf=s; adkim=s", { DMARC_REJECT, DMARC_REJECT, 100, true, true } },
		{ "v=DMARC1; p=reject; aspf=x; adkim=r", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		/* what is wrong or unknown in the rest is passed over */
		{ "v=DMARC1; p=reject; pct=101", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1; p=reject; pct=-1", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1; p=reject; pct=", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1; p=reject; pct=99999999999", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1; np=none; x; ;; p=reject; t=y", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1; rua=mailto:a@d.example; p=reject", { DMARC_REJECT, DMARC_REJECT, 100, false, false } },
		{ "v=DMARC1; p=none; p=reject", { DMARC_NONE, DMARC_NONE, 100, false, false } },
	};
	struct dmarc_record found;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!dmarc_record_read(span_of(rows[i].txt), &found) || found.policy != rows[i].is.policy ||
		    found.subdomains != rows[i].is.subdomains || found.percent != rows[i].is.percent ||
		    found.strict_spf != rows[i].is.strict_spf || found.strict_dkim != rows[i].is.strict_dkim)
			fail_msg("%s", rows[i].txt);
}

/* 6.6.3 (6) */
static void without_a_policy_it_counts_as_none_if_it_asks_for_reports(void **state)
{
	static const char *const none[] = { "v=DMARC1; rua=mailto:a@d.example",
					    "v=DMARC1; p=maybe; rua=,mailto:a@d.example",
					    "v=DMARC1; p=reject; sp=maybe; rua=mailto:a@d.example" };
	static const char *const invalid[] = { "v=DMARC1",
					       "v=DMARC1; p=",
					       "v=DMARC1; p=rejected",
					       "v=DMARC1; rua=a@d.example",
					       "v=DMARC1; sp=reject",
					       "v=DMARC1; p=reject; sp=maybe",
					       "v=DMARC1; p=maybe; rua=mailto:",
					       "v=DMARC1 p=reject" };
	struct dmarc_record found;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		if (!dmarc_record_read(span_of(none[i]), &found) || found.policy != DMARC_NONE ||
		    found.subdomains != DMARC_NONE)
			fail_msg("%s", none[i]);
	for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++)
		if (dmarc_record_read(span_of(invalid[i]), &found))
			fail_msg("%s", invalid[i]);
}

static enum dmarc_state state_of(enum dns_status status, const char *first, const char *second)
{
	const struct dns_record records[] = { { .txt = span_of(first) }, { .txt = span_of(second) } };
	const struct dns_answer answer = { DNS_TXT, status, status == DNS_FOUND ? 2 : 0, records, 60 };
	struct dmarc_record found;

	return dmarc_answer_read(&answer, &found);
}

/* 6.6.3 */
static void one_record_counts_and_others_beside_it_do_not(void **state)
{
	(void)state;
	assert_int_equal(state_of(DNS_FOUND, "v=spf1 -all", "v=DMARC1; p=none"), DMARC_FOUND);
	assert_int_equal(state_of(DNS_FOUND, "v=DMARC1; p=none", "v=DMARC1; p=none"), DMARC_REPEATED);
	assert_int_equal(state_of(DNS_FOUND, "v=DMARC1; p=maybe", ""), DMARC_INVALID);
	assert_int_equal(state_of(DNS_FOUND, "v=spf1 -all", "hello"), DMARC_ABSENT);
	assert_int_equal(state_of(DNS_NO_NAME, "", ""), DMARC_ABSENT);
	assert_int_equal(state_of(DNS_NO_DATA, "", ""), DMARC_ABSENT);
	assert_int_equal(state_of(DNS_FAILED, "", ""), DMARC_UNKNOWN);
}

/* 6.6.4 */
static void a_share_of_nothing_gets_the_next_weaker_action(void **state)
{
	struct dmarc_record record = { DMARC_REJECT, DMARC_QUARANTINE, 100, false, false };

	(void)state;
	assert_int_equal(dmarc_record_action(&record, false), DMARC_REJECT);
	assert_int_equal(dmarc_record_action(&record, true), DMARC_QUARANTINE);
	record.percent = 1;
	assert_int_equal(dmarc_record_action(&record, false), DMARC_REJECT);
	record.percent = 0;
	assert_int_equal(dmarc_record_action(&record, false), DMARC_QUARANTINE);
	assert_int_equal(dmarc_record_action(&record, true), DMARC_NONE);
	record.policy = DMARC_NONE;
	assert_int_equal(dmarc_record_action(&record, false), DMARC_NONE);
}

/* 3.2 */
static void an_organisation_is_what_public_suffixes_leave(void **state)
{
	static const char *const rows[][2] = {
		{ "shop.example.com", "example.com" },
		{ "a.b.example.co.uk", "example.co.uk" },
		{ "example.de", "example.de" },
		{ "co.uk", "co.uk" },
		{ "com", "com" },
		{ "a.b.unknown", "b.unknown" },
		{ "a.xn--bcher-kva.de", "xn--bcher-kva.de" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(org_domain(rows[i][0]), rows[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_begins_with_its_version),
		cmocka_unit_test(tags_give_the_policy_and_defaults_the_rest),
		cmocka_unit_test(without_a_policy_it_counts_as_none_if_it_asks_for_reports),
		cmocka_unit_test(one_record_counts_and_others_beside_it_do_not),
		cmocka_unit_test(a_share_of_nothing_gets_the_next_weaker_action),
		cmocka_unit_test(an_organisation_is_what_public_suffixes_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
