/*
 * What SPF and DMARC make of a domain's mail from each address of a pool: asks the DNS for all that an audit needs,
 * waits for it, and finds.
 */
#ifndef LEUMUND_SPF_DOMAIN_H
#define LEUMUND_SPF_DOMAIN_H

#include "egress.h"
#include "spf/audit.h"

struct dns;

/* What came out for one address. */
struct domain_address {
	enum spf_result result;
	unsigned terms, voids;
	char problem[200];
};

struct domain_report {
	const char *domain;
	const struct egress_pool *pool;
	struct domain_address *addresses; /* as many as the pool has */
	struct spf_audit audit;
	uint32_t ttl;	 /* seconds that it holds: the smallest TTL of the records */
	bool by_mailbox; /* some record names the local part: each mailbox may have results of its own */
};

/*
 * From any thread; waits until `deadline_ms` (clock_ticks_ms()) or as long as the DNS takes for the records
 * themselves. The strings and the pool must outlive the report, which is freed with domain_report_free() whatever
 * happened. `domain` is in comparable form. False: no memory.
 */
bool domain_report_make(struct dns *dns, const struct egress_pool *pool, const char *domain, int64_t deadline_ms,
			struct domain_report *out);
void domain_report_free(struct domain_report *report);

#endif
