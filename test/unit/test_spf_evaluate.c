/*
 * Evaluations by section of RFC 7208: who is judged, and what terms mean.
 */
#include <stdio.h>

#include "test/unit/spf_case.h"

/* ---- 2, 4.1 to 4.5: who is judged --------------------------------------------------------------------- */

static void the_domain_is_the_senders_or_that_of_helo(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 -all" },
		{ "helo.example", "TXT", "v=spf1 ip4:192.0.2.1 ?all" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "helo.example", "user@d.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "helo.example", "", SPF_RESULT_PASS, NULL },
		{ CLIENT, "HELO.Example.", "", SPF_RESULT_PASS, NULL },
		{ CLIENT, "helo.example", "@d.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "helo.example", "d.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "helo.example", "\"a@b\"@D.EXAMPLE.", SPF_RESULT_FAIL, NULL },
		{ "::ffff:192.0.2.1", "helo.example", "", SPF_RESULT_PASS, NULL },
		{ "127.0.0.1", "helo.example", "user@d.example", SPF_RESULT_FAIL, NULL },
		{ "::1", "helo.example", "", SPF_RESULT_NEUTRAL, NULL },
	};

	(void)state;
	CHECK(zone, cases);
}

static void what_is_no_domain_has_no_policy(void **state)
{
	static rows zone = { { "x", "TXT", "v=spf1 -all" }, { NULL, NULL, NULL } };
	static const char *const senders[] = {
		"a@x",
		"a@",
		"@",
		"a@..",
		"a@.d.example",
		"a@d..example",
		"a@[192.0.2.1]",
		"a@d.example..",
		"a@d .example",
		"a@d.\x01.example",
		"a@d\\.example",
		"a@\xff.example",
		"a@none.example",
	};
	struct case_row row = { CLIENT, "x", NULL, SPF_RESULT_NONE, "" };
	char label[80] = "a@", name[400] = "a@";

	(void)state;
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		row.mail_from = senders[i];
		check_all(zone, &row, 1);
	}
	memset(label + 2, 'l', 64);
	memcpy(label + 66, ".example", 9);
	for (unsigned i = 0; i < 127; i++)
		memcpy(name + 2 + 2 * i, "n.", 3);
	row.mail_from = label;
	check_all(zone, &row, 1);
	row.mail_from = name;
	check_all(zone, &row, 1);
	row.mail_from = "";
	check_all(zone, &row, 1);
}

static void a_path_longer_than_any_is_not_judged(void **state)
{
	static rows zone = { { "d.example", "TXT", "v=spf1 -all" }, { NULL, NULL, NULL } };
	struct case_row row = { CLIENT, "x", NULL, SPF_RESULT_NONE, "" };
	char from[3000];

	(void)state;
	memset(from, 'x', sizeof(from));
	memcpy(from + sizeof(from) - 11, "@d.example", 11);
	row.mail_from = from;
	check_all(zone, &row, 1);
}

/* RFC 8616 4 */
static void u_labels_are_asked_for_as_a_labels(void **state)
{
	static rows zone = {
		{ "xn--mller-kva.example", "TXT", "v=spf1 exists:%{h}.h.example exists:%{o}.o.example -all" },
		{ "xn--bcher-kva.example.h.example", "A", "127.0.0.2" },
		{ "local.example", "TXT",
		  "v=spf1 exists:%{l}.x.example include:%{s}.x.example include:%{L1-}.x.example "
		  "a:local.example exp=why.example -all" },
		{ "only.example", "TXT", "v=spf1 redirect=%{l}.x.example" },
		{ "why.example", "TXT", "%{l}" },
		{ "e.example", "TXT", "v=spf1 -all exp=%{l}.x.example" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "info@m\xc3\xbcller.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT,
		  "b\xc3\xbc"
		  "cher.example",
		  "info@m\xc3\xbcller.example", SPF_RESULT_PASS, NULL },
		{ CLIENT, "x\xff.example", "info@m\xc3\xbcller.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "x",
		  "gr\xc3\xb6\xc3\x9f"
		  "e@local.example",
		  SPF_RESULT_FAIL, "gr????e" },
		{ CLIENT, "x",
		  "gr\xc3\xb6\xc3\x9f"
		  "e@only.example",
		  SPF_RESULT_NEUTRAL, NULL },
		{ CLIENT, "x",
		  "gr\xc3\xb6\xc3\x9f"
		  "e@e.example",
		  SPF_RESULT_FAIL, "" },
	};
	struct spf_outcome outcome;
	struct spf_table *table = spf_table_new();

	(void)state;
	CHECK(zone, cases);
	spf_table_run(table, CLIENT, "x", "info@M\xc3\xbcller.EXAMPLE", &outcome);
	assert_string_equal(outcome.domain, "xn--mller-kva.example");
	spf_table_free(&table);
}

static void a_record_is_chosen_among_all_texts(void **state)
{
	static rows zone = {
		{ "one.example", "TXT", "v=spf10 +all" },
		{ "one.example", "TXT", "v=spf1 -all" },
		{ "one.example", "TXT", "\xff\r\n" },
		{ "two.example", "TXT", "v=spf1 -all" },
		{ "two.example", "TXT", "V=SPF1 +all" },
		{ "zero.example", "TXT", "spf2.0/pra -all" },
		{ "alias.example", "CNAME", "one.example" },
		{ "slow.example", "TIMEOUT", "" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "a@one.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "x", "a@alias.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "x", "a@two.example", SPF_RESULT_PERMERROR, NULL },
		{ CLIENT, "x", "a@zero.example", SPF_RESULT_NONE, NULL },
		{ CLIENT, "x", "a@slow.example", SPF_RESULT_TEMPERROR, NULL },
	};

	(void)state;
	CHECK(zone, cases);
}

/* ---- 4.6, 5: terms ------------------------------------------------------------------------------------ */

static void the_first_match_decides_by_its_qualifier(void **state)
{
	(void)state;
	record_gives("v=spf1", NULL, SPF_RESULT_NEUTRAL);
	record_gives("v=spf1 all -all", NULL, SPF_RESULT_PASS);
	record_gives("v=spf1 ip4:192.0.2.2 ~ip4:192.0.2.0/24 -all", NULL, SPF_RESULT_SOFTFAIL);
	record_gives("v=spf1 ?ip4:0.0.0.0/0 -all", NULL, SPF_RESULT_NEUTRAL);
	record_gives("v=spf1 ip6:::/0 -all", NULL, SPF_RESULT_FAIL);
	record_gives("v=spf1 ip6:::ffff:192.0.2.1 -all", NULL, SPF_RESULT_FAIL);
	record_gives("v=spf1 ip4:192.0.2.1 foo", NULL, SPF_RESULT_PERMERROR);
}

static void include_turns_results_into_matches(void **state)
{
	static rows zone = {
		{ "pass.example", "TXT", "v=spf1 +all" },
		{ "fail.example", "TXT", "v=spf1 -all" },
		{ "soft.example", "TXT", "v=spf1 ~all" },
		{ "neutral.example", "TXT", "v=spf1 ?all" },
		{ "perm.example", "TXT", "v=spf1 foo" },
		{ "temp.example", "TIMEOUT", "" },
		{ "none.example", "A", "192.0.2.9" },
		{ "end.example", "TXT", "v=spf1" },
		{ "redirect.example", "TXT", "v=spf1 redirect=pass.example" },
		{ NULL, NULL, NULL },
	};

	(void)state;
	record_gives("v=spf1 ~include:pass.example -all", zone, SPF_RESULT_SOFTFAIL);
	record_gives(
		"v=spf1 include:fail.example include:soft.example include:neutral.example include:end.example +all",
		zone, SPF_RESULT_PASS);
	record_gives("v=spf1 include:redirect.example -all", zone, SPF_RESULT_PASS);
	record_gives("v=spf1 include:perm.example +all", zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 include:temp.example +all", zone, SPF_RESULT_TEMPERROR);
	record_gives("v=spf1 include:none.example +all", zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 include:nowhere.example +all", zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 include:a..example +all", zone, SPF_RESULT_PERMERROR);
}

static void redirect_comes_last_and_not_beside_all(void **state)
{
	static rows zone = {
		{ "pass.example", "TXT", "v=spf1 +all" },
		{ "fail.example", "TXT", "v=spf1 -all" },
		{ "a.example", "A", CLIENT },
		{ "again.example", "TXT", "v=spf1 redirect=fail.example" },
		{ NULL, NULL, NULL },
	};

	(void)state;
	record_gives("v=spf1 redirect=fail.example a:a.example", zone, SPF_RESULT_PASS);
	record_gives("v=spf1 redirect=fail.example ip4:192.0.2.1", zone, SPF_RESULT_PASS);
	record_gives("v=spf1 redirect=again.example ip4:192.0.2.9", zone, SPF_RESULT_FAIL);
	record_gives("v=spf1 redirect=pass.example ~all", zone, SPF_RESULT_SOFTFAIL);
	record_gives("v=spf1 redirect=none.example", zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 redirect=d.example", zone, SPF_RESULT_PERMERROR);
}

static void addresses_match_by_the_clients_family(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 a:h.example/24//64 -all" },
		{ "zero.example", "TXT", "v=spf1 a:h.example/0//0 -all" },
		{ "none.example", "TXT", "v=spf1 a:four.example//0 -all" },
		{ "exists.example", "TXT", "v=spf1 exists:four.example -all" },
		{ "h.example", "A", "198.51.100.1" },
		{ "h.example", "AAAA", "2001:db8::1" },
		{ "h.example", "A", "192.0.2.200" },
		{ "four.example", "A", "127.0.0.2" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "a@d.example", SPF_RESULT_PASS, NULL },
		{ "192.0.3.1", "x", "a@d.example", SPF_RESULT_FAIL, NULL },
		{ "2001:db8::ffff", "x", "a@d.example", SPF_RESULT_PASS, NULL },
		{ "2001:db8:1::1", "x", "a@d.example", SPF_RESULT_FAIL, NULL },
		{ "203.0.113.1", "x", "a@zero.example", SPF_RESULT_PASS, NULL },
		{ "2001:db9::1", "x", "a@zero.example", SPF_RESULT_PASS, NULL },
		{ "2001:db9::1", "x", "a@none.example", SPF_RESULT_FAIL, NULL },
		{ "2001:db9::1", "x", "a@exists.example", SPF_RESULT_PASS, NULL },
	};

	(void)state;
	CHECK(zone, cases);
}

static void errors_of_the_dns_are_temporary(void **state)
{
	static rows zone = {
		{ "slow.example", "TIMEOUT", "" },
		{ "m.example", "MX", "10 slow.example" },
		{ "n.example", "MX", "20 slow.example" },
		{ "n.example", "MX", "10 h.example" },
		{ "h.example", "A", CLIENT },
		{ NULL, NULL, NULL },
	};

	(void)state;
	record_gives("v=spf1 a:slow.example +all", zone, SPF_RESULT_TEMPERROR);
	record_gives("v=spf1 mx:slow.example +all", zone, SPF_RESULT_TEMPERROR);
	record_gives("v=spf1 exists:slow.example +all", zone, SPF_RESULT_TEMPERROR);
	record_gives("v=spf1 mx:m.example +all", zone, SPF_RESULT_TEMPERROR);
	record_gives("v=spf1 redirect=slow.example", zone, SPF_RESULT_TEMPERROR);
	record_gives("v=spf1 mx:n.example -all", zone, SPF_RESULT_PASS);
	record_gives("v=spf1 ip4:192.0.2.1 a:slow.example", zone, SPF_RESULT_PASS);
}

/* 5.5: neither errors nor foreign names make more of it than "no match" */
static void ptr_needs_a_name_that_leads_back(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 ptr ptr:other.example -all" },
		{ "below.example", "TXT", "v=spf1 ptr:d.example -all" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "slow.d.example" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "gone.d.example" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "bad\\.name.d.example" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "Host.D.Example" },
		{ "2.2.0.192.in-addr.arpa", "PTR", "host.d.example" },
		{ "3.2.0.192.in-addr.arpa", "TIMEOUT", "" },
		{ "4.2.0.192.in-addr.arpa", "PTR", "xd.example" },
		{ "5.2.0.192.in-addr.arpa", "PTR", "d.example" },
		{ "slow.d.example", "TIMEOUT", "" },
		{ "host.d.example", "A", CLIENT },
		{ "xd.example", "A", "192.0.2.4" },
		{ "d.example", "A", "192.0.2.5" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "a@d.example", SPF_RESULT_PASS, NULL },
		{ CLIENT, "x", "a@below.example", SPF_RESULT_PASS, NULL },
		{ "192.0.2.2", "x", "a@d.example", SPF_RESULT_FAIL, NULL },
		{ "192.0.2.3", "x", "a@d.example", SPF_RESULT_FAIL, NULL },
		{ "192.0.2.4", "x", "a@d.example", SPF_RESULT_FAIL, NULL },
		{ "192.0.2.5", "x", "a@d.example", SPF_RESULT_PASS, NULL },
		{ "192.0.2.6", "x", "a@d.example", SPF_RESULT_FAIL, NULL },
	};

	(void)state;
	CHECK(zone, cases);
}

/* 7.3: the domain itself, or else one below it, or else any */
static void p_is_the_closest_validated_name(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 -all exp=why.example" },
		{ "c.d.example", "TXT", "v=spf1 -all exp=why.example" },
		{ "e.example", "TXT", "v=spf1 exists:%{p}.p.example -all exp=why.example" },
		{ "a.d.example.p.example", "A", "127.0.0.2" },
		{ "unknown.p.example", "A", "127.0.0.2" },
		{ "why.example", "TXT", "%{p}" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "a.d.example" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "c.d.example" },
		{ "2.2.0.192.in-addr.arpa", "TIMEOUT", "" },
		{ "3.2.0.192.in-addr.arpa", "PTR", "a.d.example" },
		{ "a.d.example", "A", CLIENT },
		{ "c.d.example", "A", CLIENT },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "a@d.example", SPF_RESULT_FAIL, "a.d.example" },
		{ CLIENT, "x", "a@c.d.example", SPF_RESULT_FAIL, "c.d.example" },
		{ CLIENT, "x", "a@e.example", SPF_RESULT_PASS, NULL },
		{ "192.0.2.2", "x", "a@d.example", SPF_RESULT_FAIL, "unknown" },
		{ "192.0.2.3", "x", "a@d.example", SPF_RESULT_FAIL, "unknown" },
		{ "192.0.2.4", "x", "a@e.example", SPF_RESULT_PASS, NULL },
	};

	(void)state;
	CHECK(zone, cases);
}

static void strange_names_are_asked_for_as_they_are(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 exists:a%%b%_c%-d%{l}.d.example -all" },
		{ "a%b c%20d~x=y/z.d.example", "A", "127.0.0.2" },
		{ NULL, NULL, NULL },
	};
	static const struct case_row cases[] = {
		{ CLIENT, "x", "~x=y/z@d.example", SPF_RESULT_PASS, NULL },
		{ CLIENT, "x", "x\\y@d.example", SPF_RESULT_FAIL, NULL },
		{ CLIENT, "x", "x..y@d.example", SPF_RESULT_FAIL, NULL },
	};

	(void)state;
	CHECK(zone, cases);
}

static void no_record_is_too_long(void **state)
{
	char record[20000] = "v=spf1";

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		snprintf(record + strlen(record), sizeof(record) - strlen(record), " ip4:198.51.%u.%u", i / 256,
			 i % 256);
	snprintf(record + strlen(record), sizeof(record) - strlen(record), " ~ip4:192.0.2.1 -all");
	record_gives(record, NULL, SPF_RESULT_SOFTFAIL);
	snprintf(strstr(record, " ~ip4"), 40, " ip6:2001:db8::1 -all");
	record_gives(record, NULL, SPF_RESULT_FAIL);
	snprintf(strstr(record, " -all"), 40, " -all foo");
	record_gives(record, NULL, SPF_RESULT_PERMERROR);
}

static void a_record_that_names_the_mailbox_says_so(void **state)
{
	static const struct {
		const char *record;
		bool by_mailbox;
	} cases[] = {
		{ "v=spf1 exists:%{l}.u.example -all", true },	    { "v=spf1 exists:%{S}.u.example -all", true },
		{ "v=spf1 include:%{l1r-}.u.example -all", true },  { "v=spf1 exists:%{i}.%{d}.u.example -all", false },
		{ "v=spf1 ip4:192.0.2.1 a:%{l}.u.example", false }, { "v=spf1 -all exp=%{l}.u.example", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (outcome_of(cases[i].record, NULL, false).by_mailbox != cases[i].by_mailbox)
			fail_msg("%s", cases[i].record);
}

static void it_holds_as_long_as_the_shortest_answer(void **state)
{
	static rows zone = { { "h.example", "A", CLIENT }, { NULL, NULL, NULL } };

	(void)state;
	assert_int_equal(outcome_of("v=spf1 a:h.example", zone, true).ttl, SPF_TABLE_TTL);
	assert_int_equal(outcome_of("v=spf1 ip4:192.0.2.1 a:h.example", zone, true).ttl, SPF_TABLE_TTL + 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_domain_is_the_senders_or_that_of_helo),
		cmocka_unit_test(what_is_no_domain_has_no_policy),
		cmocka_unit_test(a_path_longer_than_any_is_not_judged),
		cmocka_unit_test(u_labels_are_asked_for_as_a_labels),
		cmocka_unit_test(a_record_is_chosen_among_all_texts),
		cmocka_unit_test(the_first_match_decides_by_its_qualifier),
		cmocka_unit_test(include_turns_results_into_matches),
		cmocka_unit_test(redirect_comes_last_and_not_beside_all),
		cmocka_unit_test(addresses_match_by_the_clients_family),
		cmocka_unit_test(errors_of_the_dns_are_temporary),
		cmocka_unit_test(ptr_needs_a_name_that_leads_back),
		cmocka_unit_test(p_is_the_closest_validated_name),
		cmocka_unit_test(strange_names_are_asked_for_as_they_are),
		cmocka_unit_test(no_record_is_too_long),
		cmocka_unit_test(a_record_that_names_the_mailbox_says_so),
		cmocka_unit_test(it_holds_as_long_as_the_shortest_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
