/*
 * A line of the panel's files: `domain: account` or `user@domain: account`, # begins a comment.
 */
#ifndef LEUMUND_DIRECTORY_LINE_H
#define LEUMUND_DIRECTORY_LINE_H

#include "directory/owners.h"
#include "text.h"

#define OWNER_ACCOUNT_MAX 254 /* an account in the form of an address, RFC 5321 4.5.3.1.3 less the brackets */

struct owner_words {
	char name[OWNER_NAME_MAX + 1]; /* in the form of owner_key() */
	size_t name_len;	       /* 0: the line says nothing */
	char account[OWNER_ACCOUNT_MAX + 1];
	struct span wrong; /* what cannot be read, within the line */
};

/* NULL, or what is wrong with out->wrong, as the end of a sentence. */
const char *owner_line_read(const char *from, const char *end, struct owner_words *out);

#endif
