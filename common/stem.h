/*
 * Looks in a subject for words of a table: "bestätig" finds "Bestätigung", "log in detail" finds "Log-in details".
 */
#ifndef LEUMUND_STEM_H
#define LEUMUND_STEM_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* Bytes of a subject that are looked at, and of a stem. */
#define STEM_TEXT_MAX 512
#define STEM_MAX 64

/* A table of stems: immutable; several threads may look. */
struct stems;

/*
 * Each is found at the begin of a word, whatever its case and whatever stands between its words; in scripts without
 * blanks, anywhere. NULL when memory is short. Stems that stem_check() refuses are left out.
 */
struct stems *stems_new(const char *const *stems, size_t count);
void stems_free(struct stems **stems);

/* `subject` decoded to UTF-8. The stem as it was given, or NULL. */
const char *stems_find(const struct stems *stems, struct span subject);

/* The same, at the begin of the subject only. */
const char *stems_begin(const struct stems *stems, struct span subject);

/* For an option's row: NULL, or what is wrong with it. */
const char *stem_check(const char *stem);

#endif
