/*
 * What a message's header shall say (marks.h), in words that Exim's remove_header and add_header understand. No I/O.
 */
#ifndef LEUMUND_EXIM_CHANGES_H
#define LEUMUND_EXIM_CHANGES_H

#include "marks.h"

/*
 * Exim ends the process that adds a field of more than 32 KiB (string_sprintf() in src/string.c, 4.96). A longer one
 * than this is not added, nor brought back.
 */
#define EXIM_FIELD_MAX ((size_t)16 * 1024)

/*
 * " header NAMES LINES" for an answer (exim/exim.h), in the memory of the message; "" when there are no marks. `cut` is
 * the field of which Exim showed a beginning only, or NULL. NULL when memory is short, or when a field that shall go
 * has a name that remove_header does not find: the message must then be deferred.
 */
const char *exim_changes(struct message *message, const struct header *cut, const struct marks *marks);

#endif
