/*
 * libFuzzer: dmarc_answer_read() and spf_audit() on TXT records of strangers, a line each. What is shown is printable,
 * and what is proposed is one SPF record with the missing terms in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "spf/audit.h"
#include "spf/record.h"

#define RECORDS 4
#define MISSING "ip4:192.0.2.1 ip6:2001:db8::1"

static void printable_check(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			abort();
}

static void term_ignore(void *arg, const struct spf_term *term)
{
	(void)arg;
	(void)term;
}

static void publish_check(const char *publish)
{
	const struct span record = { publish, strlen(publish) };
	char problem[160];
	struct text text;

	text_init(&text, problem, sizeof(problem));
	printable_check(publish);
	if (*publish && (!spf_record_is(record) || !strstr(publish, " " MISSING) ||
			 !spf_record_read(record, term_ignore, NULL, &text)))
		abort();
}

/* Lines of the input as records. */
static size_t records_read(struct dns_record *records, const char *at, size_t size)
{
	size_t count = 0;

	while (size > 0 && count < RECORDS) {
		const char *end = memchr(at, '\n', size);
		const size_t len = end ? (size_t)(end - at) : size;

		records[count++].txt = (struct span){ at, len };
		at += len + (end != NULL);
		size -= len + (end != NULL);
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct spf_outcome fail = { .result = SPF_RESULT_FAIL };
	static const struct spf_outcome *const outcomes[] = { &fail, &fail };
	struct egress_pool pool = { .include = "" };
	struct dns_record records[RECORDS];
	const size_t count = records_read(records, (const char *)data, size);
	const struct dns_answer answer = { DNS_TXT, count ? DNS_FOUND : DNS_NO_DATA, count, records, 60 };
	const struct spf_audit_facts facts = { .domain = "a.example",
					       .organisation = "example",
					       .txt = &answer,
					       .dmarc = &answer,
					       .dmarc_above = &answer,
					       .pool = &pool,
					       .outcomes = outcomes,
					       .whole = &fail };
	struct spf_audit audit;

	egress_pool_add(&pool, "192.0.2.1");
	egress_pool_add(&pool, "2001:db8::1");
	if (!spf_audit(&facts, &audit))
		return 0;
	printable_check(audit.record);
	publish_check(audit.publish);
	for (unsigned i = 0; i < audit.note_count; i++)
		printable_check(audit.notes[i]);
	if (audit.dmarc == DMARC_FOUND && audit.policy.percent > 100)
		abort();
	spf_audit_free(&audit);
	return 0;
}
