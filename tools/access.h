/*
 * May somebody open a socket? Told from modes, owners and groups of the file and of every folder above it.
 */
#ifndef LEUMUND_TOOLS_ACCESS_H
#define LEUMUND_TOOLS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#define SOMEONE_GROUPS 64

struct someone {
	const char *name;
	uid_t uid;
	gid_t groups[SOMEONE_GROUPS]; /* the primary one first */
	int group_count;
};

/* False: there is no such user. With `primary_only` as one who has given up all other groups. */
bool someone_find(const char *name, bool primary_only, struct someone *someone);

/* May he do what `bits` say (of 4 read, 2 write, 1 search)? */
bool someone_may(const struct someone *someone, const struct stat *file, unsigned bits);

/*
 * May he connect to the socket with this absolute path? When not, `where` names the file or folder that
 * keeps him out. As root it is tried as well, so that ACLs and security modules have their say.
 */
bool someone_may_connect(const struct someone *someone, const char *path, char *where, size_t size);

#endif
