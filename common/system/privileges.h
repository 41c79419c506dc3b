/*
 * Becoming a user for good.
 */
#ifndef LEUMUND_PRIVILEGES_H
#define LEUMUND_PRIVILEGES_H

#include <stddef.h>
#include <sys/types.h>

struct account_ids {
	uid_t uid;
	gid_t gid; /* of new files: the socket group if one is given, else the user's own */
};

/* Looks both up; group "" is the user's own. 0, or -1 with a sentence. */
int privileges_find(const char *user, const char *group, struct account_ids *ids, char *error, size_t size);

/*
 * Becomes that user with that group and the user's supplementary groups, and checks that there is no
 * way back. 0, or -1 with a sentence: the process must then end.
 */
int privileges_drop(const char *user, const struct account_ids *ids, char *error, size_t size);

#endif
