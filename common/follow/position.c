/*
 * The file in which a place is kept (position.h): text, so that an admin can look at it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "follow/position.h"
#include "text.h"

#define SIZE 4096
#define FIRST "leumund-follow 1"

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

static bool mark_read(const char *line, struct mark *mark)
{
	char end;

	/* written by ourselves, and the numbers are judged where they are used: NOLINTNEXTLINE(cert-err34-c) */
	return sscanf(line, "file %" SCNu64 " %" SCNd64 " %" SCNu32 " %" SCNx64 " %" SCNu32 " %" SCNx64 "%c",
		      &mark->inode, &mark->offset, &mark->head_len, &mark->head, &mark->back_len, &mark->back,
		      &end) == 6 &&
	       mark->offset >= 0;
}

int position_read(const char *path, struct position *out)
{
	char text[SIZE], *line, *rest = text;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t len;

	*out = (struct position){ .count = 0 };
	if (fd < 0)
		return -1;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return bad();
	text[len] = '\0';
	line = strsep(&rest, "\n");
	if (strcmp(line, FIRST) != 0)
		return bad();
	while ((line = strsep(&rest, "\n"))) {
		if (strcmp(line, "end") == 0)
			return out->count > 0 ? 0 : bad();
		/* NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(line, "at %" SCNd64, &out->at_ms) == 1)
			continue;
		if (out->count == POSITION_MARKS || !mark_read(line, &out->marks[out->count++]))
			return bad();
	}
	return bad();
}

static size_t position_print(const struct position *position, char *out, size_t size)
{
	struct text text;
	char line[256];

	text_init(&text, out, size);
	snprintf(line, sizeof(line), FIRST "\nat %" PRId64 "\n", position->at_ms);
	text_str(&text, line);
	for (size_t i = 0; i < position->count; i++) {
		const struct mark *mark = &position->marks[i];

		snprintf(line, sizeof(line),
			 "file %" PRIu64 " %" PRId64 " %" PRIu32 " %" PRIx64 " %" PRIu32 " %" PRIx64 "\n", mark->inode,
			 mark->offset, mark->head_len, mark->head, mark->back_len, mark->back);
		text_str(&text, line);
	}
	text_str(&text, "end\n");
	return text.len;
}

static bool write_all(int fd, const char *from, size_t len)
{
	while (len > 0) {
		const ssize_t done = write(fd, from, len);

		if (done < 0 && errno != EINTR)
			return false;
		from += done > 0 ? done : 0;
		len -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

int position_write_text(const char *path, const char *text, size_t len)
{
	char new[SIZE];

	if ((size_t)snprintf(new, sizeof(new), "%s.new", path) >= sizeof(new)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	const int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -1;
	/* without it a crash of the machine could leave an empty file in place of the old one */
	const bool good = write_all(fd, text, len) && fdatasync(fd) == 0;
	const int saved = errno;
	close(fd);
	if (good && rename(new, path) == 0)
		return 0;
	if (!good)
		errno = saved;
	return -1;
}

int position_write(const char *path, const struct position *position)
{
	char text[SIZE];
	const size_t len = position_print(position, text, sizeof(text));

	return position_write_text(path, text, len);
}
