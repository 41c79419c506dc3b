/*
 * DMARC policy records, RFC 7489 6.3, 6.4, 6.6.3: what a domain wants done with mail that fails.
 */
#ifndef LEUMUND_SPF_DMARC_H
#define LEUMUND_SPF_DMARC_H

#include <stdbool.h>

#include "text.h"

struct dns_answer;

enum dmarc_action { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };

extern const char *const dmarc_action_names[]; /* NULL-terminated */

struct dmarc_record {
	enum dmarc_action policy, subdomains; /* p; sp, or p when there is none */
	unsigned percent;		      /* pct */
	bool strict_spf, strict_dkim;	      /* aspf=s, adkim=s */
};

enum dmarc_state {
	DMARC_ABSENT,
	DMARC_FOUND,
	DMARC_REPEATED, /* several records: no policy, 6.6.3 (5) */
	DMARC_INVALID,	/* its p or sp is no policy, and nobody asks for reports: no policy, 6.6.3 (6) */
	DMARC_UNKNOWN,	/* the DNS failed */
};

/* Does this TXT record claim to be one? */
bool dmarc_record_is(struct span txt);

/* False: DMARC_INVALID. */
bool dmarc_record_read(struct span txt, struct dmarc_record *out);

/* The answer to the question for TXT at _dmarc.DOMAIN. */
enum dmarc_state dmarc_answer_read(const struct dns_answer *answer, struct dmarc_record *out);

/* What becomes of the least lucky of the mails that fail, 6.6.4: pct takes the next weaker action for the rest. */
enum dmarc_action dmarc_record_action(const struct dmarc_record *record, bool is_subdomain);

#endif
