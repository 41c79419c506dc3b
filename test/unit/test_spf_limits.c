/*
 * RFC 7208 4.6.4: which limits hold. And what a pending evaluation wants.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "test/unit/spf_case.h"

/* ---- 4.6.4: limits ------------------------------------------------------------------------------------ */

static void ten_terms_may_look_something_up(void **state)
{
	static rows zone = {
		{ "h.example", "A", "198.51.100.1" },
		{ "h.example", "MX", "10 h.example" },
		{ "i.example", "TXT", "v=spf1 a:h.example a:h.example a:h.example a:h.example -all" },
		{ "all.example", "TXT", "v=spf1 +all" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "foreign.example" },
		{ "foreign.example", "A", "198.51.100.1" },
		{ "unknown.h.example", "A", "127.0.0.2" },
		{ NULL, NULL, NULL },
	};

	(void)state;
	record_gives("v=spf1 a:h.example a:h.example mx:h.example mx:h.example ptr exists:none.example a:h.example "
		     "a:h.example a:h.example a:h.example +all",
		     zone, SPF_RESULT_PASS);
	record_gives("v=spf1 a:h.example a:h.example mx:h.example mx:h.example ptr exists:none.example a:h.example "
		     "a:h.example a:h.example a:h.example a:h.example +all",
		     zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 include:i.example include:i.example +all", zone, SPF_RESULT_PASS);
	record_gives("v=spf1 include:i.example include:i.example a:h.example +all", zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 include:i.example a:h.example a:h.example a:h.example a:h.example redirect=all.example",
		     zone, SPF_RESULT_PASS);
	record_gives("v=spf1 include:i.example include:i.example redirect=all.example", zone, SPF_RESULT_PERMERROR);
	/* the PTR look-up of %{p} is one of them, once */
	record_gives("v=spf1 include:i.example a:h.example a:h.example a:h.example exists:%{p}.h.example -all", zone,
		     SPF_RESULT_PASS);
	record_gives(
		"v=spf1 include:i.example a:h.example a:h.example a:h.example a:h.example exists:%{p}.h.example -all",
		zone, SPF_RESULT_PERMERROR);
	/* exp is none */
	record_gives("v=spf1 include:i.example include:i.example -all exp=x.example", zone, SPF_RESULT_FAIL);
}

static void two_look_ups_may_have_no_answer(void **state)
{
	static rows zone = {
		{ "six.example", "AAAA", "2001:db8::1" },
		{ "m.example", "MX", "10 six.example" },
		{ "m.example", "MX", "10 six.example" },
		{ "m.example", "MX", "10 six.example" },
		{ "gone.example", "MX", "10 a.gone.example" },
		{ "gone.example", "MX", "20 b.gone.example" },
		{ "gone.example", "MX", "30 c.gone.example" },
		{ "root.example", "MX", "0 " },
		{ NULL, NULL, NULL },
	};

	(void)state;
	record_gives("v=spf1 a:n.example mx:n.example +all", NULL, SPF_RESULT_PASS);
	record_gives("v=spf1 a:n.example mx:n.example exists:n.example +all", NULL, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 a:six.example a:six.example a:six.example +all", zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 ptr ptr ptr +all", NULL, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 mx:m.example +all", zone, SPF_RESULT_PASS);
	record_gives("v=spf1 mx:gone.example +all", zone, SPF_RESULT_PERMERROR);
	record_gives("v=spf1 mx:root.example mx:root.example mx:root.example +all", zone, SPF_RESULT_PASS);
	/* nothing is looked up for a name that cannot exist */
	record_gives("v=spf1 a:a..example a:a..example a:a..example +all", NULL, SPF_RESULT_PASS);
}

static void the_client_cannot_make_voids(void **state)
{
	static rows zone = {
		{ "1.2.0.192.in-addr.arpa", "PTR", "a.d.example" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "b.d.example" },
		{ "1.2.0.192.in-addr.arpa", "PTR", "c.d.example" },
		{ NULL, NULL, NULL },
	};

	(void)state;
	record_gives("v=spf1 ptr -all", zone, SPF_RESULT_FAIL);
}

static void names_of(struct spf_table *table, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[64], data[80];

		snprintf(name, sizeof(name), "h%u.d.example", i);
		snprintf(data, sizeof(data), "%u %s", 10 + i, name);
		spf_table_add(table, "d.example", "MX", data, strlen(data));
		spf_table_add(table, "1.2.0.192.in-addr.arpa", "PTR", name, strlen(name));
		snprintf(data, sizeof(data), "198.51.100.%u", i);
		spf_table_add(table, name, "A", data, strlen(data));
	}
}

static enum spf_result result_with_names(const char *record, unsigned count, const char *host)
{
	struct spf_table *table = spf_table_new();
	struct spf_outcome outcome;

	spf_table_add(table, "d.example", "TXT", record, strlen(record));
	names_of(table, count);
	spf_table_add(table, host, "A", CLIENT, strlen(CLIENT));
	spf_table_set_late(table, true);
	spf_table_run(table, CLIENT, "x", FROM, &outcome);
	spf_table_free(&table);
	return outcome.result;
}

static void ten_names_of_one_term_are_looked_at(void **state)
{
	(void)state;
	assert_int_equal(result_with_names("v=spf1 mx -all", 10, "h9.d.example"), SPF_RESULT_PASS);
	assert_int_equal(result_with_names("v=spf1 mx -all", 11, "h9.d.example"), SPF_RESULT_PASS);
	assert_int_equal(result_with_names("v=spf1 mx -all", 11, "h10.d.example"), SPF_RESULT_PERMERROR);
	assert_int_equal(result_with_names("v=spf1 mx -all", 10, "x.d.example"), SPF_RESULT_FAIL);
	assert_int_equal(result_with_names("v=spf1 ptr -all", 11, "h9.d.example"), SPF_RESULT_PASS);
	assert_int_equal(result_with_names("v=spf1 ptr -all", 11, "h10.d.example"), SPF_RESULT_FAIL);
}

static void limits_are_the_callers(void **state)
{
	struct spf_table *table = spf_table_new();
	struct sockaddr_in client = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } };
	static const char record[] = "v=spf1 a:a.example a:b.example a:c.example -all";
	struct spf_query query = { .client = (const void *)&client,
				   .helo = "x",
				   .mail_from = FROM,
				   .receiver = "",
				   .limits = { 3, 3, 10, 10, 120 } };
	struct spf_outcome outcome;

	(void)state;
	spf_table_add(table, "d.example", "TXT", record, strlen(record));
	spf_evaluate(&query, spf_table_lookup, table, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_FAIL);
	assert_int_equal(outcome.terms, 3);
	assert_int_equal(outcome.voids, 3);
	assert_int_equal(outcome.queries, 4);
	query.limits.queries = 3;
	spf_evaluate(&query, spf_table_lookup, table, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_PERMERROR);
	query.limits = (struct spf_limits){ 2, 3, 10, 10, 120 };
	spf_evaluate(&query, spf_table_lookup, table, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_PERMERROR);
	query.limits = (struct spf_limits){ 0, 0, 0, 0, 0 };
	spf_evaluate(&query, spf_table_lookup, table, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_PERMERROR);
	query.limits = (struct spf_limits){ 9999, 9999, 9999, 9999, 999999 };
	spf_evaluate(&query, spf_table_lookup, table, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_FAIL);
	spf_table_free(&table);
}

/* Nine includes in each of nine records in each of nine. */
static void a_fan_out_takes_few_queries(void **state)
{
	struct spf_table *table = spf_table_new();
	struct spf_outcome outcome;

	(void)state;
	for (unsigned record = 0; record < 91; record++) {
		char name[32], text[400] = "v=spf1", last[] = "v=spf1 -all";

		snprintf(name, sizeof(name), record ? "r%u.example" : "d.example", record);
		for (unsigned i = 0; i < 9; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " include:r%u.example",
				 9 * record + i + 1);
		spf_table_add(table, name, "TXT", text, strlen(text));
		for (unsigned i = 0; record > 9 && i < 9; i++) {
			snprintf(name, sizeof(name), "r%u.example", 9 * record + i + 1);
			spf_table_add(table, name, "TXT", last, strlen(last));
		}
	}
	spf_table_set_late(table, true);
	assert_int_equal(spf_table_run(table, CLIENT, "x", FROM, &outcome), SPF_RESULT_PERMERROR);
	assert_true(spf_table_queries(table) <= 14);
	spf_table_set_late(table, false);
	assert_int_equal(spf_table_run(table, CLIENT, "x", FROM, &outcome), SPF_RESULT_PERMERROR);
	assert_int_equal(spf_table_queries(table), 11);
	spf_table_free(&table);
}

static void ten_mx_of_ten_hosts_stay_below_112_queries(void **state)
{
	struct spf_table *table = spf_table_new();
	struct spf_outcome outcome;
	char text[400] = "v=spf1";

	(void)state;
	for (unsigned term = 0; term < 10; term++) {
		char domain[32], host[64], data[80];

		snprintf(domain, sizeof(domain), "m%u.example", term);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " mx:%s", domain);
		for (unsigned i = 0; i < 10; i++) {
			snprintf(host, sizeof(host), "h%u.%s", i, domain);
			snprintf(data, sizeof(data), "10 %s", host);
			spf_table_add(table, domain, "MX", data, strlen(data));
			spf_table_add(table, host, "A", "198.51.100.1", 12);
		}
	}
	spf_table_add(table, "d.example", "TXT", text, strlen(text));
	spf_table_set_late(table, true);
	assert_int_equal(spf_table_run(table, CLIENT, "x", FROM, &outcome), SPF_RESULT_NEUTRAL);
	assert_in_range(spf_table_queries(table), 111, 112);
	assert_int_equal(outcome.queries, 111);
	/* the hosts of a term are asked for at once */
	assert_true(spf_table_runs(table) <= 16);
	spf_table_free(&table);
}

/* ---- pending ------------------------------------------------------------------------------------------ */

static void what_will_be_needed_is_wanted_together(void **state)
{
	static rows zone = {
		{ "d.example", "TXT", "v=spf1 include:a.example include:b.example mx -all" },
		{ "a.example", "TXT", "v=spf1 ip4:198.51.100.1 -all" },
		{ "b.example", "TXT", "v=spf1 -all" },
		{ "d.example", "MX", "10 h1.d.example" },
		{ "d.example", "MX", "20 h2.d.example" },
		{ "h1.d.example", "A", "198.51.100.2" },
		{ "h2.d.example", "A", CLIENT },
		{ NULL, NULL, NULL },
	};
	struct spf_table *table = spf_table_new();
	struct spf_outcome outcome;

	(void)state;
	spf_table_add_all(table, zone);
	spf_table_set_late(table, true);
	assert_int_equal(spf_table_run(table, CLIENT, "x", FROM, &outcome), SPF_RESULT_PASS);
	/* the record; a, b and the exchangers; both hosts; the result */
	assert_int_equal(spf_table_runs(table), 4);
	assert_int_equal(spf_table_queries(table), 6);
	spf_table_free(&table);
}

static void pending_says_what_is_missing(void **state)
{
	struct sockaddr_in client = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } };
	struct spf_query query = { .client = (const void *)&client,
				   .helo = "x",
				   .mail_from = "u@D.example",
				   .receiver = "",
				   .limits = SPF_LIMITS };
	struct spf_table *table = spf_table_new();
	struct spf_outcome outcome;

	(void)state;
	spf_table_set_late(table, true);
	spf_evaluate(&query, spf_table_lookup, table, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_PENDING);
	assert_int_equal(outcome.wanted_count, 1);
	assert_int_equal(outcome.wanted[0].type, DNS_TXT);
	assert_string_equal(outcome.wanted[0].name, "D.example");
	assert_string_equal(outcome.domain, "d.example");
	assert_string_equal(outcome.problem, "");
	spf_table_free(&table);
}

static void without_an_address_there_is_no_policy(void **state)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	struct spf_query query = {
		.client = &nowhere, .helo = "x", .mail_from = FROM, .receiver = "", .limits = SPF_LIMITS
	};
	struct spf_outcome outcome;

	(void)state;
	spf_evaluate(&query, spf_table_lookup, NULL, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_NONE);
	query.client = NULL;
	spf_evaluate(&query, spf_table_lookup, NULL, &outcome);
	assert_int_equal(outcome.result, SPF_RESULT_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_terms_may_look_something_up),
		cmocka_unit_test(two_look_ups_may_have_no_answer),
		cmocka_unit_test(the_client_cannot_make_voids),
		cmocka_unit_test(ten_names_of_one_term_are_looked_at),
		cmocka_unit_test(limits_are_the_callers),
		cmocka_unit_test(a_fan_out_takes_few_queries),
		cmocka_unit_test(ten_mx_of_ten_hosts_stay_below_112_queries),
		cmocka_unit_test(what_will_be_needed_is_wanted_together),
		cmocka_unit_test(pending_says_what_is_missing),
		cmocka_unit_test(without_an_address_there_is_no_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
