/*
 * Cases for tests of SPF (spf_case.h).
 */
#include "test/unit/spf_case.h"

void check_all(const char *const (*zone)[3], const struct case_row *cases, size_t count)
{
	struct spf_table *table = spf_table_new();
	struct spf_outcome outcome;

	spf_table_add_all(table, zone);
	for (size_t i = 0; i < 2 * count; i++) {
		const struct case_row *c = &cases[i / 2];

		spf_table_set_late(table, i % 2);
		spf_table_run(table, c->ip, c->helo, c->mail_from, &outcome);
		if (outcome.result != c->result)
			fail_msg("%s %s %s: %s (%s), not %s", c->ip, c->helo, c->mail_from,
				 spf_result_names[outcome.result], outcome.problem, spf_result_names[c->result]);
		if (c->explanation && strcmp(outcome.explanation, c->explanation) != 0)
			fail_msg("%s %s: '%s', not '%s'", c->ip, c->mail_from, outcome.explanation, c->explanation);
	}
	spf_table_free(&table);
}

struct spf_outcome outcome_of(const char *record, const char *const (*zone)[3], bool late)
{
	struct spf_table *table = spf_table_new();
	struct spf_outcome outcome;

	spf_table_add(table, "d.example", "TXT", record, strlen(record));
	if (zone)
		spf_table_add_all(table, zone);
	spf_table_set_late(table, late);
	spf_table_run(table, CLIENT, "mail.d.example", FROM, &outcome);
	spf_table_free(&table);
	return outcome;
}

void record_gives(const char *record, const char *const (*zone)[3], enum spf_result result)
{
	for (unsigned late = 0; late < 2; late++) {
		struct spf_outcome outcome = outcome_of(record, zone, late);

		if (outcome.result != result)
			fail_msg("%s: %s (%s), not %s", record, spf_result_names[outcome.result], outcome.problem,
				 spf_result_names[result]);
		assert_true((result == SPF_RESULT_TEMPERROR || result == SPF_RESULT_PERMERROR) == !!*outcome.problem);
	}
}
