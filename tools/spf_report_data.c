/*
 * How the findings about a domain's SPF and DMARC are shown (spf_report.h): for programs.
 */
#include <stdio.h>

#include "spf_report.h"
#include "tool.h"

static const char *const dmarc_states[] = { "absent", "found", "repeated", "invalid", "unknown" };

/* ---- JSON -------------------------------------------------------------------------------------- */

static void member(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	print_json(stdout, value);
}

static void addresses_json(const struct domain_report *report)
{
	fputs(",\"addresses\":[", stdout);
	for (size_t i = 0; i < report->pool->count; i++) {
		const struct domain_address *address = &report->addresses[i];

		printf("%s{\"address\":\"%s\",\"result\":\"%s\",\"terms\":%u,\"voids\":%u", i ? "," : "",
		       report->pool->words[i], spf_result_names[address->result], address->terms, address->voids);
		member("problem", address->problem);
		putchar('}');
	}
	putchar(']');
}

static void dmarc_json(const struct spf_audit *audit)
{
	printf(",\"dmarc\":{\"state\":\"%s\"", dmarc_states[audit->dmarc]);
	member("domain", audit->dmarc_domain);
	if (audit->dmarc == DMARC_FOUND)
		printf(",\"p\":\"%s\",\"sp\":\"%s\",\"pct\":%u,\"aspf\":\"%c\",\"adkim\":\"%c\"",
		       dmarc_action_names[audit->policy.policy], dmarc_action_names[audit->policy.subdomains],
		       audit->policy.percent, audit->policy.strict_spf ? 's' : 'r',
		       audit->policy.strict_dkim ? 's' : 'r');
	printf(",\"action\":\"%s\",\"hits\":%s}", dmarc_action_names[audit->action], audit->hits ? "true" : "false");
}

void report_json(const struct domain_report *report, const char *const *accounts, size_t count)
{
	const struct spf_limits limits = SPF_LIMITS;
	const struct spf_audit *audit = &report->audit;

	fputs("{\"domain\":", stdout);
	print_json(stdout, report->domain);
	fputs(",\"accounts\":[", stdout);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? "," : "", stdout);
		print_json(stdout, accounts[i]);
	}
	printf("],\"result\":\"%s\",\"fails\":%s,\"records\":%u", spf_result_names[audit->result],
	       audit->fails ? "true" : "false", audit->records);
	member("record", audit->record);
	printf(",\"terms\":%u,\"terms_limit\":%u,\"voids\":%u,\"voids_limit\":%u", audit->terms, limits.terms,
	       audit->voids, limits.voids);
	addresses_json(report);
	member("missing", audit->missing);
	member("publish", audit->publish);
	dmarc_json(audit);
	fputs(",\"notes\":[", stdout);
	for (unsigned i = 0; i < audit->note_count; i++) {
		fputs(i ? "," : "", stdout);
		print_json(stdout, audit->notes[i]);
	}
	fputs("]}", stdout);
}

/* ---- CSV --------------------------------------------------------------------------------------- */

/* Opens a field; a spreadsheet takes what begins with = + - @ for a formula, so none may. */
static void field_text(const char *text)
{
	if (*text && strchr("=+-@", *text))
		putchar(' ');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
}

static void field(const char *text)
{
	fputs(",\"", stdout);
	field_text(text);
	putchar('"');
}

void report_csv_head(void)
{
	puts("domain,accounts,result,addresses,terms,voids,missing,dmarc,dmarc_domain,dmarc_hits,record,publish,notes");
}

void report_csv(const struct domain_report *report, const char *const *accounts, size_t count)
{
	const struct spf_audit *audit = &report->audit;

	printf("%s,\"", report->domain);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? " " : "", stdout);
		field_text(accounts[i]);
	}
	printf("\",%s,\"", spf_result_names[audit->result]);
	for (size_t i = 0; i < report->pool->count; i++)
		printf("%s%s=%s", i ? " " : "", report->pool->words[i], spf_result_names[report->addresses[i].result]);
	printf("\",%u,%u", audit->terms, audit->voids);
	field(audit->missing);
	field(audit->dmarc == DMARC_FOUND ? dmarc_action_names[audit->action] : dmarc_states[audit->dmarc]);
	printf(",%s,%s", audit->dmarc_domain, audit->hits ? "yes" : "no");
	field(audit->record);
	field(audit->publish);
	fputs(",\"", stdout);
	for (unsigned i = 0; i < audit->note_count; i++) {
		fputs(i ? "; " : "", stdout);
		field_text(audit->notes[i]);
	}
	puts("\"");
}
