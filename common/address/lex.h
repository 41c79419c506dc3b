/*
 * The atoms that envelope paths and header authors have in common (RFC 5322 3.2.3,
 * RFC 5321 4.1.2, with UTF-8 by RFC 6531 and 6532).
 */
#ifndef LEUMUND_ADDRESS_LEX_H
#define LEUMUND_ADDRESS_LEX_H

#include <stdbool.h>

#include "text.h"

/* Octets of a local part. RFC 5321 allows 64, but SRS and VERP put a whole address into it. */
#define LOCAL_MAX 512

enum {
	LEX_ATEXT = 1,
	LEX_DOT = 2,
	LEX_HIGH = 4,	  /* not ASCII */
	LEX_BLANK = 8,	  /* space, tab */
	LEX_CONTROL = 16, /* the other controls, with CR and LF */
	LEX_EQUALS = 32	  /* "=", which may open an encoded-word */
};

extern const unsigned char lex_class[256];

static inline unsigned lex_of(char c)
{
	return lex_class[(unsigned char)c];
}

/* The run of atext, dots and non-ASCII at the start of a text. */
size_t lex_atoms(const char *at, size_t len);

/* The quoted string at the start of a text, with both quotes; 0 when it does not end. */
size_t lex_quoted(const char *at, size_t len);

/*
 * Judges a local part. Refused beyond the grammar: what makes readers find another address
 * in it (specials and escapes in quotes: nodemailer took "a@b c"@d for a@b) and non-ASCII that
 * is shown as nothing, as a blank or as an ASCII special. `dots`: they must stand as in a
 * dot-atom; mailboxes with dots elsewhere exist (docomo.ne.jp), so an envelope may be lenient.
 */
bool lex_local_ok(struct span local, bool dots);

#endif
