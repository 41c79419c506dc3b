/*
 * What shall be changed in the header of a message that is let pass: fields removed, then fields added above the
 * others.
 */
#ifndef LEUMUND_MARKS_H
#define LEUMUND_MARKS_H

#include <stdbool.h>

#include "session.h"

struct mark {
	const char *name;
	const char *value; /* folds as "\n\t"; NULL: the field is removed */
	unsigned index;	   /* removed: the how manieth of its name, from 1 */
	struct mark *next;
};

/* In the order in which they are to be said to an MTA: it may count anew after each. */
struct marks {
	struct mark *first;
};

/*
 * Each false when memory is short: the message must then be deferred. Names and values are copied. Remove only fields
 * that your milter reads (struct milter, `headers`): to Exim, which removes by name, the others are said again.
 */
bool marks_add(struct marks *marks, struct arena *memory, const char *name, const char *value);
bool marks_remove(struct marks *marks, struct arena *memory, const char *name, unsigned index);

#endif
