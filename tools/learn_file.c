/*
 * Lines of log files (learn_file.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "learn_file.h"
#include "tool.h"

#define CHUNK (256 * 1024)

struct learn_file {
	gzFile gz;
	const char *path;
	int64_t size; /* as it lies there; 0: unknown */
	size_t begin, end;
	bool last, skipping; /* all is read; the rest of a line that was cut follows */
	char bytes[CHUNK];
};

/* zlib reads gzip, and what is not gzip as it is. */
static const struct {
	const char *magic, *program;
	size_t len;
} foreign[] = {
	{ "\xfd"
	  "7zXZ",
	  "xz", 5 },
	{ "BZh", "bzip2", 3 },
	{ "\x28\xb5\x2f\xfd", "zstd", 4 },
};

static bool is_readable(const struct learn_file *file)
{
	for (size_t i = 0; i < sizeof(foreign) / sizeof(*foreign); i++)
		if (file->end >= foreign[i].len && memcmp(file->bytes, foreign[i].magic, foreign[i].len) == 0) {
			complain("%s: compressed by %s, which is not read here; give `%s -dc FILE` to `leumund "
				 "learn-contacts -`",
				 file->path, foreign[i].program, foreign[i].program);
			return false;
		}
	return true;
}

static bool fill(struct learn_file *file)
{
	if (file->last)
		return false;
	memmove(file->bytes, file->bytes + file->begin, file->end - file->begin);
	file->end -= file->begin;
	file->begin = 0;
	const int got = gzread(file->gz, file->bytes + file->end, (unsigned)(sizeof(file->bytes) - file->end));
	file->last = got <= 0;
	if (got > 0)
		file->end += (size_t)got;
	return got > 0;
}

struct learn_file *learn_file_open(const char *path)
{
	const bool is_input = strcmp(path, "-") == 0;
	struct stat info = { .st_size = 0 };
	const int fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct learn_file *file = calloc(1, sizeof(*file));

	if (!file) {
		complain("no memory");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (fd >= 0 && fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode))
		file->gz = gzdopen(fd, "rb");
	if (!file->gz) {
		complain("%s: %s", path, S_ISDIR(info.st_mode) ? "a directory; name the files" : strerror(errno));
		if (fd >= 0)
			close(fd);
		free(file);
		return NULL;
	}
	gzbuffer(file->gz, CHUNK / 2);
	file->path = is_input ? "standard input" : path;
	file->size = S_ISREG(info.st_mode) ? info.st_size : 0;
	fill(file);
	if (!is_readable(file)) {
		gzclose(file->gz);
		free(file);
		return NULL;
	}
	return file;
}

bool learn_file_line(struct learn_file *file, const char **line, size_t *len)
{
	for (;;) {
		const char *begin = file->bytes + file->begin;
		const size_t held = file->end - file->begin;
		const char *end = memchr(begin, '\n', held);
		const bool is_full = file->begin == 0 && file->end == sizeof(file->bytes);

		if (!end && !is_full && fill(file))
			continue;
		if (held == 0)
			return false;
		const bool skip = file->skipping;
		file->skipping = !end && is_full;
		*line = begin;
		*len = end ? (size_t)(end - begin) : held;
		file->begin += *len + (end ? 1 : 0);
		if (!skip)
			return true;
	}
}

int learn_file_percent(const struct learn_file *file)
{
	const int64_t at = gzoffset(file->gz);

	return file->size > 0 && at >= 0 && at <= file->size ? (int)(at * 100 / file->size) : -1;
}

bool learn_file_close(struct learn_file **file)
{
	int error;
	const char *words = gzerror((*file)->gz, &error);
	const bool is_whole = error == Z_OK || error == Z_STREAM_END;

	if (!is_whole)
		complain("%s: damaged or cut off (%s); what stood before that was read", (*file)->path,
			 error == Z_ERRNO ? strerror(errno) : words);
	gzclose((*file)->gz);
	free(*file);
	*file = NULL;
	return is_whole;
}
