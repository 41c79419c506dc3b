/*
 * libspf2, which evaluates: the order of terms, qualifiers, include, redirect. The only file that knows it is
 * library.c.
 *
 * Nothing that a stranger wrote gets there. It asks us for records, which have the terms "all", "exists:N.x",
 * "include:N.x" and "redirect=N.x" and nothing else, and whether such an N exists. This header stands alone: spf/spf.h
 * and libspf2 have names in common.
 */
#ifndef LEUMUND_SPF_LIBRARY_H
#define LEUMUND_SPF_LIBRARY_H

#include <stdbool.h>

#include "spf/match.h"
#include "text.h"

/* Compiled, a record must stay below 512 bytes, or the library cuts it off silently: 22 terms take 20 bytes each. */
#define SPF_LIBRARY_RECORD 512

/* No term's number: the record that the evaluation starts with. */
#define SPF_LIBRARY_FIRST 0

struct spf_library_calls {
	bool (*load)(void *arg, unsigned number, struct text *record); /* false: stop */
	enum spf_match (*match)(void *arg, unsigned number);
};

/* One of "+-~?"; '\0' when it was stopped, or had no memory. */
char spf_library_run(const struct spf_library_calls *calls, void *arg);

#endif
