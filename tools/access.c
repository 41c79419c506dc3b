/*
 * May somebody open a socket (access.h).
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access.h"
#include "system/unix_socket.h"

bool someone_find(const char *name, bool primary_only, struct someone *someone)
{
	const struct passwd *entry = getpwnam(name);

	if (!entry)
		return false;
	someone->name = name;
	someone->uid = entry->pw_uid;
	someone->groups[0] = entry->pw_gid;
	someone->group_count = 1;
	if (primary_only)
		return true;
	someone->group_count = SOMEONE_GROUPS;
	if (getgrouplist(name, entry->pw_gid, someone->groups, &someone->group_count) < 0)
		someone->group_count = SOMEONE_GROUPS; /* the first so many */
	return true;
}

static bool is_in_group(const struct someone *someone, gid_t group)
{
	for (int i = 0; i < someone->group_count; i++)
		if (someone->groups[i] == group)
			return true;
	return false;
}

/* The first class that fits decides, even when a later one would allow more (POSIX 4.5). */
bool someone_may(const struct someone *someone, const struct stat *file, unsigned bits)
{
	unsigned shift = 0;

	if (someone->uid == 0)
		return true;
	if (someone->uid == file->st_uid)
		shift = 6;
	else if (is_in_group(someone, file->st_gid))
		shift = 3;
	return (file->st_mode >> shift & bits) == bits;
}

static bool is_tried(const struct someone *someone, const char *path, int *error)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = -1;

		errno = EPERM;
		if (setgroups((size_t)someone->group_count, someone->groups) == 0 &&
		    setresgid(someone->groups[0], someone->groups[0], someone->groups[0]) == 0 &&
		    setresuid(someone->uid, someone->uid, someone->uid) == 0)
			fd = unix_socket_connect(path);
		_exit(fd >= 0 ? 0 : errno & 0x7f);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return true; /* could not be tried: the computed answer stands */
	*error = WEXITSTATUS(status);
	return *error == 0;
}

static bool folders_allow(const struct someone *someone, const char *path, char *where, size_t size)
{
	char folder[PATH_MAX];
	struct stat file;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
		if (stat(folder, &file) < 0 || !someone_may(someone, &file, 1)) {
			snprintf(where, size, "%s", folder);
			return false;
		}
	}
	return true;
}

bool someone_may_connect(const struct someone *someone, const char *path, char *where, size_t size)
{
	struct stat file;
	int error = 0;

	if (!folders_allow(someone, path, where, size))
		return false;
	if (stat(path, &file) < 0 || !someone_may(someone, &file, 2)) {
		snprintf(where, size, "%s", path);
		return false;
	}
	if (geteuid() == 0 && !is_tried(someone, path, &error)) {
		snprintf(where, size, "%s (%s)", path, strerror(error));
		return false;
	}
	return true;
}
