/*
 * `leumund spf DOMAIN`: what SPF and DMARC make of this server's own mail for a domain.
 */
#include <string.h>

#include "address/address.h"
#include "dns/dns.h"
#include "setup.h"
#include "spf_ask.h"
#include "spf_report.h"
#include "tool.h"

static int domain_report(const struct call *call, const struct egress *egress, const char *domain)
{
	struct domain_report report;
	int status = EX_OK;
	struct dns *dns = spf_dns_open(call, &status);

	if (!dns)
		return status;
	if (!domain_report_make(dns, egress, domain, &report)) {
		complain("no memory");
		status = EX_OSERR;
	} else if (call->json) {
		report_json(&report, NULL, 0);
		putchar('\n');
	} else {
		report_show(&report);
	}
	if (status == EX_OK && report.audit.fails)
		status = EXIT_FINDING;
	domain_report_free(&report);
	dns_close(&dns);
	return status;
}

/* With --egress no configuration is needed. */
int command_spf_domain(const struct call *call)
{
	struct setup setup = { .config = NULL };
	struct egress egress;
	domain_name domain;
	int status = 0;

	if (domain_canonical(call->words[0], strlen(call->words[0]), domain) < 0 || !strchr(domain, '.')) {
		complain("'spf' needs the name of a domain, such as shop.example");
		return EX_USAGE;
	}
	if (!call->egress)
		status = tool_setup(call, &setup);
	if (status == 0)
		status = egress_find(call, setup.egress, &egress);
	if (status == 0)
		status = domain_report(call, &egress, domain);
	setup_free(&setup);
	return status;
}
