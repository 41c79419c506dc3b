/*
 * Every case of test/data/from/cases.tsv through the parsers and the bare rule of ownership.
 * Runs from the top of the tree, or from anywhere with LEUMUND_CORPUS=FILE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "address/address.h"

struct count {
	int from;
	int sender;
	int foreign;
	int faults;
};

static const char *const owned[] = { "shop.example", "zweite.example", "xn--mller-kva.example" };

static bool is_owned(const char *domain)
{
	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
		if (!strcmp(domain, owned[i]))
			return true;
	}
	return false;
}

static bool author_count(void *arg, const struct author *author)
{
	struct count *count = arg;

	count->foreign += !is_owned(author->domain);
	return true;
}

/* Undoes the escapes in place; the new length. */
static size_t unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; at++) {
		unsigned octet;

		if (*at != '\\') {
			*to++ = *at;
			continue;
		}
		at++;
		if (*at == 'x') {
			assert_int_equal(sscanf(at + 1, "%2x", &octet), 1);
			*to++ = (char)octet;
			at += 2;
		} else {
			assert_true(*at == 'r' || *at == 'n' || *at == 't' || *at == '\\');
			*to++ = *at == 'r' ? '\r' : *at == 'n' ? '\n' : *at == 't' ? '\t' : '\\';
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

static void header_judge(struct count *count, const char *header, size_t len)
{
	const char *colon = memchr(header, ':', len);
	enum author_field field;
	size_t name;

	assert_non_null(colon);
	name = (size_t)(colon - header);
	field = author_field_of(header, name);
	count->from += field == AUTHOR_FIELD_FROM;
	count->sender += field == AUTHOR_FIELD_SENDER;
	count->faults += author_field_within(colon + 1, len - name - 1);
	if (field != AUTHOR_FIELD_NONE)
		count->faults += author_parse(colon + 1, len - name - 1, author_count, count) != AUTHOR_OK;
}

/* True when the rule lets the case through. `rest`: MAIL FROM and headers. */
static bool case_passes(char *rest)
{
	struct count count = { 0, 0, 0, 0 };
	struct mail_path path;
	char *field = strsep(&rest, "\t");
	size_t len = unescape(field);

	if (mail_path_parse(field, len, &path) || (!path.null && !is_owned(path.domain)))
		return false;
	while ((field = strsep(&rest, "\t"))) {
		len = unescape(field);
		header_judge(&count, field, len);
	}
	return count.from == 1 && count.sender <= 1 && !count.foreign && !count.faults;
}

static void corpus_has_neither_bypass_nor_false_reject(void **state)
{
	const char *path = getenv("LEUMUND_CORPUS");
	FILE *file = fopen(path ? path : "test/data/from/cases.tsv", "r");
	int seen[2] = { 0, 0 };
	int wrong = 0;
	char *line = NULL;
	size_t size = 0;

	(void)state;
	if (!file)
		fail_msg("test/data/from/cases.tsv: cannot be read; start from the top of the tree");
	while (getline(&line, &size, file) >= 0) {
		char *rest = line;
		char *name;
		bool pass;

		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		name = strsep(&rest, "\t");
		pass = !strcmp(strsep(&rest, "\t"), "pass");
		seen[pass]++;
		if (case_passes(rest) != pass) {
			print_error("%s: %s\n", pass ? "false reject" : "bypass", name);
			wrong++;
		}
	}
	free(line);
	fclose(file);
	assert_int_equal(wrong, 0);
	assert_true(seen[true] >= 60);
	assert_true(seen[true] + seen[false] >= 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corpus_has_neither_bypass_nor_false_reject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
