/*
 * The grammar of SPF records, RFC 7208 4.5, 4.6.1, 12. All of it is checked before any of it counts (4.6).
 */
#ifndef LEUMUND_SPF_RECORD_H
#define LEUMUND_SPF_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

enum spf_term_kind {
	SPF_TERM_ALL,
	SPF_TERM_INCLUDE,
	SPF_TERM_A,
	SPF_TERM_MX,
	SPF_TERM_PTR,
	SPF_TERM_EXISTS,
	SPF_TERM_IP4,
	SPF_TERM_IP6,
	SPF_TERM_REDIRECT,
	SPF_TERM_EXP,
	SPF_TERM_UNKNOWN, /* a modifier that we do not know */
};

struct spf_term {
	enum spf_term_kind kind;
	char qualifier;	    /* "+-~?"; of a mechanism */
	struct span target; /* domain-spec, a part of the record; NULL = the current domain */
	uint8_t bits4, bits6;
	uint8_t address[16]; /* ip4: the first 4 */
};

/* Does this TXT record claim to be one? */
bool spf_record_is(struct span txt);

typedef void spf_term_fn(void *arg, const struct spf_term *term);

/*
 * Hands over term by term in the order of the record; when it returns false, and `problem` says why, all that was
 * handed over is void.
 */
bool spf_record_read(struct span record, spf_term_fn *fn, void *arg, struct text *problem);

#endif
