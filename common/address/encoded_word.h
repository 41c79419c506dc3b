/*
 * Encoded-words (RFC 2047) as readers in use take them: longer than 75 octets,
 * with blanks inside, glued together. Bytes come out, charsets are the caller's matter.
 */
#ifndef LEUMUND_ENCODED_WORD_H
#define LEUMUND_ENCODED_WORD_H

#include <stdbool.h>

#include "text.h"

/* Longest encoded-word that is looked for: it cannot be longer than a line (RFC 5322 2.1.1). */
#define ENCODED_WORD_MAX 998

struct encoded_word {
	struct span charset; /* without a language tag, RFC 2231 */
	bool base64;	     /* B, else Q */
	struct span text;    /* still encoded */
	size_t at;	     /* the decoder's place in text */
	unsigned bits;	     /* the decoder's base64 remainder: bits read, */
	unsigned bit_count;  /* and how many of them are not yet given out */
};

/* Reads an encoded-word at the very start of a text. The bytes taken, or 0 when there is none. */
size_t encoded_word_read(const char *at, size_t len, struct encoded_word *out);

/* Decodes the next byte; -1 at the end. */
int encoded_word_byte(struct encoded_word *word);

/*
 * True when some reader may take the text for an encoded-word, whole or cut off:
 * "=?", a charset, "?". That much alone has no place in an address (RFC 2047 5 (3)).
 */
bool encoded_word_begins(const char *at, size_t len);

/* True when the text holds such a beginning anywhere. */
bool encoded_word_within(struct span text);

/* True when an encoded-word in the text hides a NUL or a line end: no name has one. */
bool encoded_word_breaks(struct span text);

#endif
