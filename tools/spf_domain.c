/*
 * `leumund spf DOMAIN`: what SPF and DMARC make of this server's own mail for a domain.
 */
#include <stdio.h>
#include <string.h>

#include "address/address.h"
#include "directory/directory.h"
#include "dns/dns.h"
#include "setup.h"
#include "spf_ask.h"
#include "spf_report.h"
#include "system/clock.h"
#include "tool.h"

static int domain_report(const struct call *call, const struct dns_settings *settings, const struct egress_pool *pool,
			 const char *domain)
{
	struct domain_report report;
	int status = EX_OK;
	struct dns *dns = spf_dns_open(call, settings, &status);

	if (!dns)
		return status;
	if (!domain_report_make(dns, pool, domain, clock_ticks_ms() + SPF_DEADLINE_MS, &report)) {
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

static void report_nothing(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	(void)is_warning;
	(void)sentence;
}

/* The account whose domain it is, as egress.pool_of may name it; "" where nobody's is known. */
static const char *owner_of(const struct setup *setup, const char *domain, domain_name owner)
{
	struct directory *directory =
		setup->config ? directory_reload(NULL, &setup->domains, report_nothing, NULL) : NULL;
	const char *first;

	owner[0] = '\0';
	if (directory && directory_owners(directory, domain, true, &first, 1) > 0)
		snprintf(owner, sizeof(domain_name), "%s", first);
	directory_unref(&directory);
	return owner;
}

/* With --egress no configuration is needed. */
int command_spf_domain(const struct call *call)
{
	struct setup setup = { .config = NULL };
	struct egress *egress = NULL;
	domain_name domain, owner;
	int status = 0;

	if (domain_canonical(call->words[0], strlen(call->words[0]), domain) < 0 || !strchr(domain, '.')) {
		complain("'spf' needs the name of a domain, such as shop.example");
		return EX_USAGE;
	}
	if (!call->egress)
		status = tool_setup(call, &setup);
	if (status == 0)
		egress = egress_find(call, setup.egress, &status);
	if (egress)
		status = domain_report(call, setup.dns, egress_pool_of(egress, owner_of(&setup, domain, owner), domain),
				       domain);
	egress_free(&egress);
	setup_free(&setup);
	return status;
}
