/*
 * The suites of openspf.org, whole (test/data/spf). Each case with all answers at hand, and again with none that was
 * not asked for: that must not change anything. Runs from the top of the tree, or from anywhere with
 * LEUMUND_SPF=DIRECTORY.
 */
#include <stdio.h>

#include "test/unit/spf_table.h"
#include "test/unit/test.h"

struct count {
	unsigned cases, passed, explanations, explained;
};

/* In place; returns the new length. */
static size_t unescape(char *field)
{
	char *to = field;
	unsigned octet;

	for (const char *from = field; *from; from++) {
		if (*from == '\\') {
			assert_int_equal(sscanf(from, "\\x%2x", &octet), 1);
			*to++ = (char)octet;
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return (size_t)(to - field);
}

static bool is_expected(enum spf_result result, const char *expected)
{
	const char *name = spf_result_names[result];
	size_t len = strlen(name);

	for (const char *at = expected; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (!strncmp(at, name, len) && (at[len] == '/' || !at[len]))
			return true;
	}
	return false;
}

/* The suite's name for a receiver's own words, where the domain has none, is DEFAULT. */
static bool is_explained(const struct spf_outcome *outcome, const char *expected)
{
	return !strcmp(outcome->explanation, strcmp(expected, "DEFAULT") != 0 ? expected : "");
}

static void case_run(struct spf_table *table, char **field, const char *suite, struct count *count)
{
	struct spf_outcome now, late;

	for (unsigned i = 1; i <= 6; i++)
		unescape(field[i]);
	spf_table_set_late(table, false);
	spf_table_run(table, field[2], field[3], field[4], &now);
	spf_table_set_late(table, true);
	spf_table_run(table, field[2], field[3], field[4], &late);
	assert_int_equal(now.result, late.result);
	assert_string_equal(now.explanation, late.explanation);
	assert_string_equal(now.problem, late.problem);
	count->cases++;
	if (is_expected(now.result, field[5]))
		count->passed++;
	else
		print_message("%s %s: %s, not %s (%s)\n", suite, field[1], spf_result_names[now.result], field[5],
			      now.problem);
	if (!*field[6])
		return;
	count->explanations++;
	if (is_explained(&now, field[6]))
		count->explained++;
	else
		print_message("%s %s: explained '%s', not '%s'\n", suite, field[1], now.explanation, field[6]);
}

static void line_run(struct spf_table **table, char *line, const char *suite, struct count *count)
{
	char none[] = "", *rest = line, *field[7];
	size_t fields = 0, len;

	while (fields < 7) {
		char *next = strsep(&rest, "\t");

		field[fields++] = next ? next : none;
	}
	if (!strcmp(field[0], "scenario")) {
		spf_table_free(table);
		*table = spf_table_new();
	} else if (!strcmp(field[0], "rr")) {
		unescape(field[1]);
		len = unescape(field[3]);
		spf_table_add(*table, field[1], field[2], field[3], len);
	} else if (!strcmp(field[0], "case")) {
		case_run(*table, field, suite, count);
	}
}

static struct count suite_run(const char *suite)
{
	const char *directory = getenv("LEUMUND_SPF");
	struct count count = { 0, 0, 0, 0 };
	struct spf_table *table = spf_table_new();
	char path[512], *line = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory ? directory : "test/data/spf", suite);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: cannot be read; start from the top of the tree", path);
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		line_run(&table, line, suite, &count);
	}
	fclose(file);
	free(line);
	spf_table_free(&table);
	return count;
}

static void all_of_rfc7208_is_right(void **state)
{
	struct count count = suite_run("rfc7208.tsv");

	(void)state;
	assert_int_equal(count.passed, 203);
	assert_int_equal(count.cases, 203);
	assert_int_equal(count.explained, 22);
	assert_int_equal(count.explanations, 22);
}

static void all_of_rfc4408_is_right(void **state)
{
	struct count count = suite_run("rfc4408.tsv");

	(void)state;
	assert_int_equal(count.passed, 191);
	assert_int_equal(count.cases, 191);
	assert_int_equal(count.explained, count.explanations);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_rfc7208_is_right),
		cmocka_unit_test(all_of_rfc4408_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
