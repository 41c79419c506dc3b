/*
 * How the findings about a domain's SPF and DMARC are shown (spf_report.h): for people.
 */
#include "spf_report.h"

#include <stdio.h>
#include <string.h>

#include "tool.h"

#define LABEL 11       /* columns of what stands in front of a line */
#define STRING_MAX 255 /* octets of one character-string, RFC 1035 3.3 */

const char *report_terms(unsigned terms, char out[24])
{
	const unsigned most = SPF_AUDIT_LIMITS.terms;

	snprintf(out, 24, terms > most ? "more than %u" : "%u", terms > most ? most : terms);
	return out;
}

/* A line for the zone. Strings over 255 octets are cut in pieces, which count as one, RFC 7208 3.3. */
static void zone_line(const char *domain, const char *record)
{
	printf("  %s. IN TXT", domain);
	for (size_t left = strlen(record); left > 0;) {
		const size_t piece = left < STRING_MAX ? left : STRING_MAX;

		fputs(" \"", stdout);
		for (size_t i = 0; i < piece; i++, record++) {
			if (*record == '"' || *record == '\\')
				putchar('\\');
			putchar(*record);
		}
		putchar('"');
		left -= piece;
	}
	putchar('\n');
}

static void labelled(const char *label, const char *text)
{
	printf("  %-*s", LABEL - 2, label);
	print_wrapped(stdout, text, LABEL, LABEL);
}

static void addresses_show(const struct domain_report *report)
{
	int widest = 0;

	for (size_t i = 0; i < report->pool->count; i++)
		if ((int)strlen(report->pool->words[i]) > widest)
			widest = (int)strlen(report->pool->words[i]);
	for (size_t i = 0; i < report->pool->count; i++) {
		const struct domain_address *address = &report->addresses[i];

		printf("  %-*s%-*s  %s\n", LABEL - 2, i == 0 ? "from" : "", widest, report->pool->words[i],
		       spf_result_names[address->result]);
	}
}

static void lookups_show(const struct spf_audit *audit)
{
	const struct spf_limits limits = SPF_LIMITS;
	char terms[24], line[128];

	if (audit->records == 0)
		return;
	snprintf(line, sizeof(line), "%s of %u; without an answer %u of %u", report_terms(audit->terms, terms),
		 limits.terms, audit->voids, limits.voids);
	labelled("look-ups", line);
}

/* What the policy does to mail from here, for somebody who does not know DMARC. */
static void dmarc_show(const struct domain_report *report)
{
	static const char *const fate[] = { "", "goes to the spam folder", "is rejected" };
	const struct spf_audit *audit = &report->audit;
	char line[1024];
	struct text text;

	if (audit->dmarc != DMARC_FOUND) {
		labelled("DMARC", audit->dmarc == DMARC_ABSENT ? "none" : "no policy that counts, see below");
		return;
	}
	text_init(&text, line, sizeof(line));
	text_str(&text, dmarc_action_names[audit->action]);
	text_str(&text, " (by _dmarc.");
	text_str(&text, audit->dmarc_domain);
	if (audit->policy.percent < 100 && audit->policy.percent > 0) {
		text_str(&text, ", for ");
		text_u64(&text, audit->policy.percent);
		text_str(&text, " % of the mail");
	}
	text_str(&text, ")");
	if (audit->hits) {
		text_str(&text, ": mail whose From is in this domain ");
		text_str(&text, fate[audit->action]);
		text_str(&text, audit->refused == report->pool->count
					? ""
					: " when it leaves from an address that does not pass");
		text_str(&text, ", unless a DKIM signature of the domain is on it");
	} else if (audit->action != DMARC_NONE) {
		text_str(&text, audit->result == SPF_RESULT_TEMPERROR
					? ": whether it hits mail from here is not known now"
					: ": it hits no mail from here, SPF passes");
	}
	labelled("DMARC", line);
}

static const char *publish_words(const struct spf_audit *audit)
{
	if (audit->records > 0)
		return "Instead of the record that is there, publish:";
	return "That there is no SPF is no offence, but many receivers trust such mail less. Publish, once every other "
	       "server that sends for the domain is in it too:";
}

void report_show(const struct domain_report *report)
{
	const struct spf_audit *audit = &report->audit;

	printf("%s: %s\n", report->domain, spf_result_names[audit->result]);
	labelled("SPF", audit->records > 0	? audit->record
			: audit->record_unknown ? "not known at the moment"
						: "none");
	lookups_show(audit);
	addresses_show(report);
	dmarc_show(report);
	for (unsigned i = 0; i < audit->note_count; i++)
		labelled(i == 0 ? "note" : "", audit->notes[i]);
	if (audit->publish[0] == '\0')
		return;
	print_wrapped(stdout, publish_words(audit), 0, 0);
	zone_line(report->domain, audit->publish);
}

void report_line(const struct domain_report *report)
{
	const struct spf_audit *audit = &report->audit;
	char terms[24];

	printf("%-9s  %s", spf_result_names[audit->result], report->domain);
	if (audit->records > 0)
		printf("  look-ups %s", report_terms(audit->terms, terms));
	if (audit->hits)
		printf("  DMARC %s hits", dmarc_action_names[audit->action]);
	if (audit->missing[0] != '\0' && audit->records > 0)
		printf("  add %s", audit->missing);
	if (audit->note_count > 0)
		printf("  (%s)", audit->notes[0]);
	putchar('\n');
}
