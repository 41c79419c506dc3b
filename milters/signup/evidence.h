/*
 * What a message shows of its kind: from submission, header fields, subject, body and recipient to a set of evidence
 * (policy.h).
 */
#ifndef LEUMUND_SIGNUP_EVIDENCE_H
#define LEUMUND_SIGNUP_EVIDENCE_H

#include "milters/signup/policy.h"
#include "stem.h"

/* The names of the header fields that are evidence, NULL-terminated. */
extern const char *const signup_headers[];

/* What one field shows; values as the MTA gives them. 0: nothing. */
unsigned evidence_of_header(const char *name, struct span value);

/* The tables of words that conf.d holds; NULL: none. */
struct evidence_words {
	const struct stems *subject; /* "confirm", "aktivier", ... */
	const struct stems *trade;   /* "order", "Rechnung", ... */
	const struct stems *copy;    /* "copy of", ...: behind it stand words that are a visitor's, or a name */
};

/* What all that is known of the message together shows. */
struct evidence_facts {
	bool has_login;	     /* SMTP AUTH */
	unsigned headers;    /* the sum of evidence_of_header() over all fields */
	struct span subject; /* decoded to UTF-8 */
	uint32_t alike;	     /* strangers that have just got nearly this text, see alike.h */
	bool has_random;     /* most new recipients' local parts look made up, see localpart.h */
};

unsigned evidence_of(const struct evidence_facts *facts, const struct evidence_words *words);

#endif
