/*
 * libFuzzer: author_parse(), and display_addresses() on what it reports.
 * clang -fsanitize=fuzzer,address,undefined -Icommon test/fuzz/fuzz_author.c common/<parsers>.c -lidn2
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"

struct field {
	const char *start;
	size_t len;
};

static void span_check(const struct field *field, struct span span)
{
	if (!span.len)
		return;
	if (span.at < field->start || span.at + span.len > field->start + field->len)
		abort();
}

static bool shown_check(void *arg, const char *domain)
{
	domain_name again;

	(void)arg;
	if (domain_canonical(domain, strlen(domain), again) || strcmp(domain, again) != 0)
		abort();
	return true;
}

/* Spans lie inside the field, a local part is never empty, a domain is canonical, no "=?...?" passes for an address. */
static bool author_check(void *arg, const struct author *author)
{
	const struct field *field = arg;

	span_check(field, author->local);
	span_check(field, author->display);
	if (!author->local.len || (memchr(author->local.at, '@', author->local.len)))
		abort();
	shown_check(NULL, author->domain);
	display_addresses(author->display, shown_check, NULL);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct field field;
	char *copy;

	/* A copy of exactly this size, so that one octet too far is seen. */
	copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	field.start = copy;
	field.len = size;
	if (!author_fault_name(author_parse(copy, size, author_check, &field)))
		abort();
	author_field_of(copy, size);
	author_field_within(copy, size);
	free(copy);
	return 0;
}
