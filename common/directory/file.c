/*
 * Reads one file of the directory (directory/file.h): at once and only when nobody is writing it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/file.h"
#include "directory/line.h"
#include "system/clock.h"
#include "system/file_state.h"
#include "text.h"

#define FILE_SIZE_MAX (1u << 30)
#define SETTLE_MS 50 /* a file younger than this may still be in somebody's hands */
#define REPORTS_MAX 20

/* ---- lines ------------------------------------------------------------------------------------- */

struct reading {
	const char *path;
	struct owners *owners;
	directory_report_fn *report;
	void *arg;
	size_t number; /* of the line */
	size_t broken;
};

static void report_line(struct reading *reading, struct span what, const char *why)
{
	char sentence[1024];
	struct text text;

	if (++reading->broken > REPORTS_MAX || !reading->report)
		return;
	text_init(&text, sentence, sizeof(sentence));
	text_str(&text, reading->path);
	text_char(&text, ':');
	text_u64(&text, reading->number);
	text_str(&text, ": '");
	text_escaped(&text, what.at, what.len, 80);
	text_str(&text, "' ");
	text_str(&text, why);
	text_str(&text, "; the line is skipped");
	reading->report(reading->arg, true, sentence);
}

/* False without memory; a broken line is reported and skipped. */
static bool read_line(struct reading *reading, const char *from, const char *end)
{
	struct owner_words words;
	const char *why = owner_line_read(from, end, &words);

	if (why)
		report_line(reading, words.wrong, why);
	if (why || words.name_len == 0)
		return true;
	switch (owners_add(reading->owners, words.name, words.name_len, words.account)) {
	case OWNERS_ADDED:
		return true;
	case OWNERS_ADDED_OTHER_ACCOUNT:
		report_line(reading, (struct span){ words.name, words.name_len },
			    "has another account already: a login belongs to one");
		return true;
	case OWNERS_ADDED_NO_MEMORY:
		break;
	}
	return false;
}

static size_t lines_in(const char *at, const char *end)
{
	size_t count = 0;

	for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		count++;
	return count;
}

static bool read_lines(struct reading *reading, const char *at, const char *end)
{
	if (end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		reading->number++;
		if (!read_line(reading, at, newline ? newline : end))
			return false;
		at = newline ? newline + 1 : end;
	}
	if (reading->broken > REPORTS_MAX && reading->report) {
		char sentence[512];
		struct text text;

		text_init(&text, sentence, sizeof(sentence));
		text_str(&text, reading->path);
		text_str(&text, ": ");
		text_u64(&text, reading->broken - REPORTS_MAX);
		text_str(&text, " more broken lines are skipped");
		reading->report(reading->arg, true, sentence);
	}
	return true;
}

/* ---- files ------------------------------------------------------------------------------------- */

static int64_t stat_changed_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

static enum owner_read index_bytes(struct reading *reading, const char *bytes, const struct stat *st)
{
	const char *end = bytes + st->st_size;

	reading->owners = owners_new((size_t)st->st_size, lines_in(bytes, end), stat_changed_ms(st));
	if (!reading->owners || !read_lines(reading, bytes, end)) {
		owners_unref(&reading->owners);
		return OWNER_READ_NO_MEMORY;
	}
	if (owners_done(reading->owners) > 0)
		return OWNER_READ_GOOD;
	owners_unref(&reading->owners);
	return OWNER_READ_EMPTY;
}

/* As many bytes as fstat() told, no more and no less, or somebody is writing. */
static enum owner_read read_bytes(int fd, const char *path, char *bytes, const struct stat *before)
{
	struct stat after, named;
	size_t len = 0, wanted = (size_t)before->st_size;

	while (len <= wanted) {
		ssize_t got = read(fd, bytes + len, wanted + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return OWNER_READ_FAILED;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len != wanted || fstat(fd, &after) != 0 || !file_state_same(before, &after))
		return OWNER_READ_MOVING;
	return stat(path, &named) == 0 && file_state_same(before, &named) ? OWNER_READ_GOOD : OWNER_READ_MOVING;
}

/* A clock that is behind the file's (NFS) must not keep it out for ever. */
static bool is_young(const struct stat *st)
{
	int64_t age = clock_wall_ms() - stat_changed_ms(st);

	return age >= 0 && age < SETTLE_MS;
}

static enum owner_read read_open(int fd, struct reading *reading, struct stat *seen)
{
	enum owner_read result;
	char *bytes;

	if (fstat(fd, seen) != 0)
		return OWNER_READ_FAILED;
	if (!S_ISREG(seen->st_mode) || seen->st_size > FILE_SIZE_MAX) {
		errno = 0;
		return OWNER_READ_FAILED;
	}
	if (is_young(seen))
		return OWNER_READ_MOVING;
	bytes = owners_alloc((size_t)seen->st_size + 1);
	if (!bytes)
		return OWNER_READ_NO_MEMORY;
	result = read_bytes(fd, reading->path, bytes, seen);
	if (result == OWNER_READ_GOOD)
		result = index_bytes(reading, bytes, seen);
	free(bytes);
	return result;
}

enum owner_read owner_file_read(const char *path, struct owners **out, struct stat *seen, directory_report_fn *report,
				void *arg)
{
	struct reading reading = { .path = path, .report = report, .arg = arg };
	/* O_NONBLOCK: a FIFO must not stop the service */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
	enum owner_read result;

	*out = NULL;
	if (fd < 0)
		return OWNER_READ_FAILED;
	result = read_open(fd, &reading, seen);
	saved = errno;
	close(fd);
	errno = saved;
	if (result == OWNER_READ_GOOD)
		*out = reading.owners;
	return result;
}
