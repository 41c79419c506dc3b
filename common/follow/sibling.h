/*
 * What rotation left beside a log: NAME.1, NAME.2, NAME-20261121, not compressed.
 */
#ifndef LEUMUND_FOLLOW_SIBLING_H
#define LEUMUND_FOLLOW_SIBLING_H

#include "follow/tail.h"

#define SIBLINGS 64

struct sibling {
	char name[256]; /* within its directory */
	uint64_t inode;
	int64_t size, changed_ms; /* when it was last written to */
	bool taken;
};

struct siblings {
	int directory; /* to be closed; -1: there is none */
	size_t count;
	struct sibling at[SIBLINGS]; /* the oldest first */
};

void siblings_find(const char *path, struct siblings *out);
void siblings_free(struct siblings *siblings);

/* Opens one; -1: it has gone. */
int sibling_open(const struct siblings *siblings, const struct sibling *sibling);

/* Opens the first that has the mark's content and is not taken, and takes it; one with its inode first. -1: none. */
int siblings_take(struct siblings *siblings, const struct mark *mark, struct sibling **which);

#endif
