/*
 * Becoming a user for good (system/privileges.h). Every step is checked, and then its reverse is tried.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "system/privileges.h"

int privileges_find(const char *user, const char *group, struct account_ids *ids, char *error, size_t size)
{
	const struct passwd *entry = getpwnam(user);
	const struct group *group_entry;

	if (!entry) {
		snprintf(error, size,
			 "user '%s' does not exist; create it (adduser --system --group %s) or set leumund.user", user,
			 user);
		return -1;
	}
	ids->uid = entry->pw_uid;
	ids->gid = entry->pw_gid;
	if (group[0] == '\0')
		return 0;
	group_entry = getgrnam(group);
	if (!group_entry) {
		snprintf(error, size, "group '%s' does not exist; create it or set leumund.socket_group", group);
		return -1;
	}
	ids->gid = group_entry->gr_gid;
	return 0;
}

int privileges_drop(const char *user, const struct account_ids *ids, char *error, size_t size)
{
	if (initgroups(user, ids->gid) < 0 || setgid(ids->gid) < 0 || setuid(ids->uid) < 0) {
		snprintf(error, size, "cannot become user '%s': %s", user, strerror(errno));
		return -1;
	}
	if (ids->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
		snprintf(error, size, "became user '%s' but could become root again", user);
		return -1;
	}
	if (getuid() != ids->uid || geteuid() != ids->uid || getgid() != ids->gid || getegid() != ids->gid) {
		snprintf(error, size, "became user '%s' only in part", user);
		return -1;
	}
	return 0;
}
