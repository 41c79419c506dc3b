/*
 * What other servers will make of a domain's mail from the addresses of a pool.
 */
#ifndef LEUMUND_SELFCHECK_PROSPECT_H
#define LEUMUND_SELFCHECK_PROSPECT_H

#include "egress.h"
#include "spf/domain.h"

struct store;

struct prospect {
	enum spf_result result; /* the worst of the addresses; TEMPERROR: the DNS did not say */
	bool by_mailbox;	/* each mailbox may have a result of its own: this one says nothing */
	enum dmarc_action dmarc;
	bool strict;	   /* its alignment of SPF */
	char missing[200]; /* "ip4:192.0.2.1 ip6:2001:db8::1", perhaps with "..." at its end; "" = nothing */
	char problem[200]; /* of permerror */
};

/* What the DNS said. Seconds that it holds; *is_known: for others as well, so that it should be kept. */
int64_t prospect_read(const struct domain_report *report, struct prospect *out, bool *is_known);

/* Puts it into the store, for other servers. Does not wait. */
void prospect_keep(struct store *store, const struct domain_report *report, const struct prospect *prospect,
		   int64_t seconds);

/* From the store, where whichever server asked last has put it. Seconds that it holds; 0: it is not there. */
int64_t prospect_look(struct store *store, const struct egress_pool *pool, const char *domain, struct prospect *out);

#endif
