/*
 * What the commands about SPF ask the DNS for: look-ups of their own, and all that one domain's audit needs.
 */
#ifndef LEUMUND_TOOLS_SPF_ASK_H
#define LEUMUND_TOOLS_SPF_ASK_H

#include "egress.h"
#include "spf/audit.h"

struct call;
struct dns;

#define SPF_DEADLINE_MS 5000

/* By --dns, else the host's. NULL after a complaint: *status is the exit status then. */
struct dns *spf_dns_open(const struct call *call, int *status);

/* From where mail leaves. */
struct egress {
	size_t count;
	union inet_address at[EGRESS_MAX];
	char words[EGRESS_MAX][INET6_ADDRSTRLEN];
};

/* By --egress, else `options`, else none: 0, or the exit status after a complaint. */
int egress_find(const struct call *call, const struct egress_options *options, struct egress *egress);

/* What came out for one address. */
struct address_report {
	enum spf_result result;
	unsigned terms, voids;
	char problem[200];
};

struct domain_report {
	const char *domain;
	const struct egress *egress;
	struct address_report *addresses; /* as many as the egress has */
	struct spf_audit audit;
};

/* Evaluations that one domain has under way at once. */
#define DOMAIN_EVALUATIONS(egress) ((egress)->count + 1)

/*
 * Asks, waits and finds, from any thread. `domain` (comparable form) must outlive the report, which is freed with
 * domain_report_free() whatever happened. False: no memory.
 */
bool domain_report_make(struct dns *dns, const struct egress *egress, const char *domain, struct domain_report *out);
void domain_report_free(struct domain_report *report);

#endif
