/*
 * What an audit finds in answers and evaluations; above all, that the record it proposes does what it promises.
 */
#include <stdio.h>

#include "dns/dns.h"
#include "egress.h"
#include "spf/audit.h"
#include "test/unit/spf_table.h"
#include "test/unit/test.h"

#define V4 "192.0.2.1"
#define V6 "2001:db8::1"

static void missing_terms_stand_in_front_of_what_decides(void **state)
{
	static const char *const rows[][2] = {
		{ "v=spf1 a mx -all", "v=spf1 a mx ip4:192.0.2.1 -all" },
		{ "v=spf1 a mx ~all", "v=spf1 a mx ip4:192.0.2.1 ~all" },
		{ "V=SPF1 ALL", "V=SPF1 ip4:192.0.2.1 ALL" },
		{ "v=spf1 ?all exp=e.example", "v=spf1 ip4:192.0.2.1 ?all exp=e.example" },
		{ "v=spf1", "v=spf1 ip4:192.0.2.1" },
		{ "v=spf1 ", "v=spf1 ip4:192.0.2.1" },
		{ "v=spf1  a   -all ", "v=spf1  a ip4:192.0.2.1 -all " },
		{ "v=spf1 a exp=e.example", "v=spf1 a exp=e.example ip4:192.0.2.1" },
		/* redirect comes last wherever it stands, RFC 7208 6.1; in front it is easier to read */
		{ "v=spf1 redirect=r.example", "v=spf1 ip4:192.0.2.1 redirect=r.example" },
		/* a term that refuses must not be met first */
		{ "v=spf1 a -ip4:192.0.2.0/24 mx -all", "v=spf1 a ip4:192.0.2.1 -ip4:192.0.2.0/24 mx -all" },
		{ "v=spf1 ?include:i.example -all", "v=spf1 ip4:192.0.2.1 ?include:i.example -all" },
		/* these are no "all" */
		{ "v=spf1 a:all +a:-all.example -all", "v=spf1 a:all +a:-all.example ip4:192.0.2.1 -all" },
	};
	char buffer[256];
	struct text out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		text_init(&out, buffer, sizeof(buffer));
		assert_true(spf_audit_correct(span_of(rows[i][0]), "ip4:" V4, &out));
		assert_string_equal(buffer, rows[i][1]);
	}
	text_init(&out, buffer, 20);
	assert_false(spf_audit_correct(span_of("v=spf1 a -all"), "ip4:" V4, &out));
}

/* ---- by way of the evaluator ------------------------------------------------------------------- */

struct world {
	struct spf_table *table;
	struct spf_outcome outcomes[2], whole;
	struct spf_audit audit;
	const char *include; /* NULL: "" */
};

static void evaluate(struct spf_table *table, const char *ip, const struct spf_limits *limits,
		     struct spf_outcome *outcome)
{
	union inet_address client;
	const struct spf_query query = { .client = &client.any,
					 .helo = "d.example",
					 .mail_from = "postmaster@d.example",
					 .receiver = "",
					 .limits = *limits };

	assert_true(inet_address_read(ip, &client));
	spf_evaluate(&query, spf_table_lookup, table, outcome);
}

/* Judges d.example for V4 and V6. */
static void audit_make(struct world *world, const char *const (*zone)[3])
{
	const struct spf_limits limits = SPF_LIMITS, whole = SPF_AUDIT_LIMITS;
	const struct spf_outcome *const outcomes[] = { &world->outcomes[0], &world->outcomes[1] };
	struct egress_pool pool = { .include = world->include ? world->include : "" };
	struct spf_audit_facts facts = { .domain = "d.example",
					 .organisation = "example",
					 .pool = &pool,
					 .outcomes = outcomes,
					 .whole = &world->whole };

	world->table = spf_table_new();
	spf_table_add_all(world->table, zone);
	assert_null(egress_pool_add(&pool, V4));
	assert_null(egress_pool_add(&pool, V6));
	for (size_t i = 0; i < 2; i++)
		evaluate(world->table, pool.words[i], &limits, &world->outcomes[i]);
	evaluate(world->table, SPF_AUDIT_NOBODY, &whole, &world->whole);
	facts.txt = spf_table_lookup(world->table, DNS_TXT, "d.example");
	facts.dmarc = spf_table_lookup(world->table, DNS_TXT, "_dmarc.d.example");
	facts.dmarc_above = spf_table_lookup(world->table, DNS_TXT, "_dmarc.example");
	assert_true(spf_audit(&facts, &world->audit));
}

static void audit_end(struct world *world)
{
	spf_audit_free(&world->audit);
	spf_table_free(&world->table);
}

static const char *const others[][3] = {
	{ "h.example", "A", "198.51.100.1" },
	{ "h.example", "AAAA", "2001:db8:ffff::1" },
	{ "h.example", "MX", "10 h.example" },
	{ "i.example", "TXT", "v=spf1 a:h.example -all" },
	{ "r.example", "TXT", "v=spf1 mx:h.example ~all" },
	{ "four.example", "TXT", "v=spf1 ip4:192.0.2.0/24 -all" },
	{ NULL, NULL, NULL },
};

static void audit_record(struct world *world, const char *record)
{
	const char *rows[sizeof(others) / sizeof(*others) + 1][3] = { { "d.example", "TXT", record } };

	memcpy(rows + 1, others, sizeof(others));
	audit_make(world, (const char *const(*)[3])rows);
}

static void the_proposed_record_lets_all_addresses_pass(void **state)
{
	static const struct {
		const char *record;
		enum spf_result before;
		const char *missing;
	} rows[] = {
		{ "v=spf1 a:h.example -all", SPF_RESULT_FAIL, "ip4:" V4 " ip6:" V6 },
		{ "v=spf1 include:four.example -all", SPF_RESULT_FAIL, "ip6:" V6 },
		{ "v=spf1 ip6:2001:db8::/32 ?all", SPF_RESULT_NEUTRAL, "ip4:" V4 },
		{ "v=spf1 redirect=r.example", SPF_RESULT_SOFTFAIL, "ip4:" V4 " ip6:" V6 },
		{ "v=spf1 redirect=r.example include:four.example", SPF_RESULT_SOFTFAIL, "ip6:" V6 },
		{ "v=spf1 -ip4:192.0.2.0/24 ip6:2001:db8::/32 all", SPF_RESULT_FAIL, "ip4:" V4 },
		{ "v=spf1 ~ip6:::/0 -ip4:192.0.2.0/24 include:i.example -all", SPF_RESULT_FAIL, "ip4:" V4 " ip6:" V6 },
		{ "v=spf1 ?exists:h.example mx:h.example -all", SPF_RESULT_NEUTRAL, "ip4:" V4 " ip6:" V6 },
		{ "v=spf1", SPF_RESULT_NEUTRAL, "ip4:" V4 " ip6:" V6 },
		{ "v=spf1 exp=e.example x=y mx:h.example", SPF_RESULT_NEUTRAL, "ip4:" V4 " ip6:" V6 },
	};
	struct world before = { .include = NULL }, after = { .include = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		audit_record(&before, rows[i].record);
		assert_int_equal(before.audit.result, rows[i].before);
		assert_string_equal(before.audit.missing, rows[i].missing);
		assert_string_equal(before.audit.record, rows[i].record);
		assert_int_equal(before.audit.fails, rows[i].before != SPF_RESULT_NEUTRAL);
		audit_record(&after, before.audit.publish);
		if (after.audit.result != SPF_RESULT_PASS)
			fail_msg("%s: %s", rows[i].record, before.audit.publish);
		assert_string_equal(after.audit.publish, "");
		audit_end(&before);
		audit_end(&after);
	}
}

static void what_includes_our_record_lacks_nothing_but_that(void **state)
{
	struct world world = { .include = "our.example" };

	(void)state;
	audit_record(&world, "v=spf1 ip6:2001:db8::/32 -all");
	assert_string_equal(world.audit.missing, "include:our.example");
	assert_string_equal(world.audit.publish, "v=spf1 ip6:2001:db8::/32 include:our.example -all");
	audit_end(&world);
	/* it is there, and lacks the same address */
	world.include = "i.example";
	audit_record(&world, "v=spf1 ip6:2001:db8::/32 +INCLUDE:i.example -all");
	assert_string_equal(world.audit.missing, "ip4:" V4);
	audit_end(&world);
	world.include = "our.example";
	audit_record(&world, "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all");
	assert_string_equal(world.audit.missing, "");
	audit_end(&world);
}

static void no_record_is_no_offence(void **state)
{
	static const char *const zone[][3] = { { "d.example", "A", V4 }, { NULL, NULL, NULL } };
	static const char *const elsewhere[][3] = { { "x.example", "A", V4 }, { NULL, NULL, NULL } };
	struct world world = { .include = NULL };

	(void)state;
	audit_make(&world, zone);
	assert_int_equal(world.audit.result, SPF_RESULT_NONE);
	assert_false(world.audit.fails);
	assert_int_equal(world.audit.records, 0);
	assert_string_equal(world.audit.publish, "v=spf1 ip4:" V4 " ip6:" V6 " ~all");
	assert_int_equal(world.audit.note_count, 0);
	audit_end(&world);
	/* where there is no domain nothing can be published */
	audit_make(&world, elsewhere);
	assert_int_equal(world.audit.result, SPF_RESULT_NONE);
	assert_string_equal(world.audit.publish, "");
	assert_int_equal(world.audit.note_count, 1);
	audit_end(&world);
}

static void what_cannot_be_evaluated_is_said_and_no_record_is_guessed(void **state)
{
	static const char *const two[][3] = { { "d.example", "TXT", "v=spf1 -all" },
					      { "d.example", "TXT", "v=spf1 a ~all" },
					      { NULL, NULL, NULL } };
	static const char *const silent[][3] = { { "d.example", "TIMEOUT", "" }, { NULL, NULL, NULL } };
	struct world world = { .include = NULL };

	(void)state;
	audit_record(&world, "v=spf1 ip4:192.0.2.0/33 -all");
	assert_int_equal(world.audit.result, SPF_RESULT_PERMERROR);
	assert_true(world.audit.fails);
	assert_string_equal(world.audit.publish, "");
	/* of each address the same, so once */
	assert_int_equal(world.audit.note_count, 1);
	assert_non_null(strstr(world.audit.notes[0], "ip4:192.0.2.0/33"));
	audit_end(&world);

	audit_make(&world, two);
	assert_int_equal(world.audit.result, SPF_RESULT_PERMERROR);
	assert_int_equal(world.audit.records, 2);
	assert_string_equal(world.audit.publish, "");
	audit_end(&world);

	audit_make(&world, silent);
	assert_int_equal(world.audit.result, SPF_RESULT_TEMPERROR);
	assert_true(world.audit.fails && world.audit.record_unknown);
	assert_int_equal(world.audit.refused, 0);
	assert_string_equal(world.audit.publish, "");
	audit_end(&world);
}

#define TIMES_4(term) term term term term

/* The first term matches, so no evaluation of ours meets the others: others' mail does. */
static void look_ups_are_counted_as_if_every_term_was_met(void **state)
{
	struct world world = { .include = NULL };

	(void)state;
	audit_record(&world, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 " TIMES_4("a:h.example ") "include:i.example -all");
	assert_int_equal(world.audit.result, SPF_RESULT_PASS);
	assert_int_equal(world.audit.terms, 6);
	assert_int_equal(world.audit.note_count, 0);
	audit_end(&world);
	audit_record(&world, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 " TIMES_4("a:h.example ") TIMES_4("mx:h.example ")
				     TIMES_4("a:h.example ") "-all");
	assert_int_equal(world.audit.result, SPF_RESULT_PASS);
	assert_false(world.audit.fails);
	assert_int_equal(world.audit.terms, 12);
	assert_int_equal(world.audit.note_count, 1);
	assert_non_null(strstr(world.audit.notes[0], "12 look-ups"));
	audit_end(&world);
	audit_record(&world, "v=spf1 " TIMES_4(TIMES_4("a:h.example ")) TIMES_4(TIMES_4("a:h.example ")) "-all");
	assert_int_equal(world.audit.result, SPF_RESULT_PERMERROR);
	assert_int_equal(world.audit.terms, 21);
	assert_string_equal(world.audit.publish, "");
	audit_end(&world);
	audit_record(&world, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 a:x1.example a:x2.example a:x3.example -all");
	assert_int_equal(world.audit.voids, 3);
	assert_int_equal(world.audit.note_count, 1);
	audit_end(&world);
	audit_record(&world, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 include:x1.example -all");
	assert_int_equal(world.audit.result, SPF_RESULT_PASS);
	assert_int_equal(world.audit.note_count, 1);
	assert_non_null(strstr(world.audit.notes[0], "x1.example"));
	audit_end(&world);
}

static void bytes_that_harm_a_terminal_are_escaped(void **state)
{
	struct world world = { .include = NULL };

	(void)state;
	audit_record(&world, "v=spf1 \x1b[2J\xff -all");
	assert_string_equal(world.audit.record, "v=spf1 \\x1b[2J\\xff -all");
	assert_string_equal(world.audit.publish, "");
	audit_end(&world);
}

static void dmarc_hits_what_spf_does_not_allow(void **state)
{
	static const struct {
		const char *spf, *own, *above;
		enum dmarc_state state;
		enum dmarc_action action;
		bool hits, is_above;
	} rows[] = {
		{ "v=spf1 -all", "v=DMARC1; p=reject", "v=DMARC1; p=none", DMARC_FOUND, DMARC_REJECT, true, false },
		{ "v=spf1 ip4:192.0.2.1 -all", "v=DMARC1; p=quarantine", "x", DMARC_FOUND, DMARC_QUARANTINE, true,
		  false },
		{ "v=spf1 -all", "v=DMARC1; p=none; sp=reject", "x", DMARC_FOUND, DMARC_NONE, false, false },
		{ "v=spf1 +all", "v=DMARC1; p=reject", "x", DMARC_FOUND, DMARC_REJECT, false, false },
		{ "v=spf1 ?all", "x", "v=DMARC1; p=none; sp=reject", DMARC_FOUND, DMARC_REJECT, true, true },
		{ "nothing", "x", "v=DMARC1; p=reject", DMARC_FOUND, DMARC_REJECT, true, true },
		{ "v=spf1 -all", "x", "x", DMARC_ABSENT, DMARC_NONE, false, true },
		/* 6.6.3 (5): it is not looked for above then */
		{ "v=spf1 -all", "v=DMARC1; p=maybe", "v=DMARC1; p=reject", DMARC_INVALID, DMARC_NONE, false, false },
	};
	struct world world = { .include = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *const zone[][3] = { { "d.example", "TXT", rows[i].spf },
						{ "_dmarc.d.example", "TXT", rows[i].own },
						{ "_dmarc.example", "TXT", rows[i].above },
						{ NULL, NULL, NULL } };

		audit_make(&world, zone);
		assert_int_equal(world.audit.dmarc, rows[i].state);
		assert_int_equal(world.audit.action, rows[i].action);
		assert_int_equal(world.audit.hits, rows[i].hits);
		assert_string_equal(world.audit.dmarc_domain, rows[i].is_above ? "example" : "d.example");
		assert_int_equal(world.audit.note_count, rows[i].state > DMARC_FOUND);
		audit_end(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_terms_stand_in_front_of_what_decides),
		cmocka_unit_test(the_proposed_record_lets_all_addresses_pass),
		cmocka_unit_test(what_includes_our_record_lacks_nothing_but_that),
		cmocka_unit_test(no_record_is_no_offence),
		cmocka_unit_test(what_cannot_be_evaluated_is_said_and_no_record_is_guessed),
		cmocka_unit_test(look_ups_are_counted_as_if_every_term_was_met),
		cmocka_unit_test(bytes_that_harm_a_terminal_are_escaped),
		cmocka_unit_test(dmarc_hits_what_spf_does_not_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
