/*
 * What rotation left beside a log (sibling.h).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "follow/sibling.h"

/* NAME with ".1", "-20261121", ".20261121-17": digits and what stands between them, nothing else. */
static bool is_rotated(const char *name, const char *base)
{
	const size_t len = strlen(base);
	const char *rest = name + len;

	if (strncmp(name, base, len) != 0 || (*rest != '.' && *rest != '-' && *rest != '_'))
		return false;
	return strpbrk(rest, "0123456789") && rest[strspn(rest, "0123456789.-_T:")] == '\0';
}

static int by_age(const void *a, const void *b)
{
	const struct sibling *one = a, *other = b;

	return one->changed_ms < other->changed_ms ? -1 : one->changed_ms > other->changed_ms;
}

static void add(struct siblings *siblings, const char *name)
{
	struct sibling *sibling = &siblings->at[siblings->count];
	struct stat info;

	if (siblings->count == SIBLINGS || strlen(name) >= sizeof(sibling->name) ||
	    fstatat(siblings->directory, name, &info, 0) < 0 || !S_ISREG(info.st_mode))
		return;
	*sibling = (struct sibling){ .inode = info.st_ino,
				     .size = info.st_size,
				     .changed_ms = info.st_mtim.tv_sec * 1000LL + info.st_mtim.tv_nsec / 1000000 };
	snprintf(sibling->name, sizeof(sibling->name), "%s", name);
	siblings->count++;
}

void siblings_find(const char *path, struct siblings *out)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char directory[PATH_MAX];
	struct dirent *entry;

	*out = (struct siblings){ .directory = -1 };
	if ((size_t)snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path + 1) : 1,
			     slash ? path : ".") >= sizeof(directory))
		return;
	out->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* closedir() closes its own */
	DIR *list = out->directory < 0 ? NULL : fdopendir(dup(out->directory));
	if (!list)
		return;
	while ((entry = readdir(list)))
		if (is_rotated(entry->d_name, base))
			add(out, entry->d_name);
	closedir(list);
	qsort(out->at, out->count, sizeof(out->at[0]), by_age);
}

void siblings_free(struct siblings *siblings)
{
	if (siblings->directory >= 0)
		close(siblings->directory);
	siblings->directory = -1;
}

int sibling_open(const struct siblings *siblings, const struct sibling *sibling)
{
	struct stat info;

	return tail_open_file(sibling->name, siblings->directory, &info);
}

int siblings_take(struct siblings *siblings, const struct mark *mark, struct sibling **which)
{
	/* of an empty file only the inode tells */
	for (int pass = 0; pass < (mark->head_len > 0 ? 2 : 1); pass++)
		for (size_t i = siblings->count; i-- > 0;) {
			struct sibling *sibling = &siblings->at[i];
			if (sibling->taken || (sibling->inode == mark->inode) != (pass == 0))
				continue;
			const int fd = sibling_open(siblings, sibling);
			if (fd >= 0 && mark_fits(mark, fd)) {
				sibling->taken = true;
				*which = sibling;
				return fd;
			}
			if (fd >= 0)
				close(fd);
		}
	return -1;
}
