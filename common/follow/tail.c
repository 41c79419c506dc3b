/*
 * One open file (tail.h). A half line at the end stays in the file until its other half is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "follow/tail.h"
#include "hash.h"
#include "system/clock.h"

#define BUFFER (256 * 1024)
#define HEAD 256
#define BACK 128

/* Nothing is secret here: what may follow a place is written by whoever may write to the log anyway. */
static const uint64_t hash_key[2] = { 0x6c65756d756e642d, 0x666f6c6c6f772d31 };

/* Of `len` bytes at `offset`; false: they are not there. */
static bool hash_of(int fd, int64_t offset, uint32_t len, uint64_t *hash)
{
	char bytes[HEAD];

	if (len > sizeof(bytes) || pread(fd, bytes, len, offset) != (ssize_t)len)
		return false;
	*hash = hash_keyed(hash_key, bytes, len);
	return true;
}

bool mark_fits(const struct mark *mark, int fd)
{
	struct stat info;
	uint64_t head, back;

	return fstat(fd, &info) == 0 && info.st_size >= mark->offset && mark->head_len <= HEAD &&
	       mark->back_len <= BACK && mark->back_len <= mark->offset && hash_of(fd, 0, mark->head_len, &head) &&
	       head == mark->head && hash_of(fd, mark->offset - mark->back_len, mark->back_len, &back) &&
	       back == mark->back;
}

int tail_open_file(const char *path, int directory, struct stat *info)
{
	/* a pipe must not make us wait */
	const int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, info) == 0 && S_ISREG(info->st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* Remembers how the file begins and what stands before the place: later it may have another content. */
static void note_content(struct tail *tail)
{
	struct mark *mark = &tail->mark;
	const uint32_t head = mark->offset < HEAD ? (uint32_t)mark->offset : HEAD;

	/* a short file's first bytes are few until it has grown */
	if (mark->head_len < head && hash_of(tail->fd, 0, head, &mark->head))
		mark->head_len = head;
	const uint32_t len = mark->offset < BACK ? (uint32_t)mark->offset : BACK;

	if (tail->begin >= len)
		mark->back = hash_keyed(hash_key, tail->buffer + tail->begin - len, len);
	else if (!hash_of(tail->fd, mark->offset - len, len, &mark->back))
		mark->back = 0;
	mark->back_len = len;
}

int tail_start(struct tail *tail, int fd, int64_t offset)
{
	struct stat info = { .st_ino = 0 };

	*tail = (struct tail){ .fd = fd, .buffer = malloc(BUFFER), .quiet_ms = clock_ticks_ms() };
	if (!tail->buffer) {
		close(fd);
		return -1;
	}
	(void)fstat(fd, &info);
	tail->mark = (struct mark){ .inode = info.st_ino, .offset = offset };
	note_content(tail);
	/* a line that was cut, and whose rest must not pass for a line of its own */
	char before = '\n';
	if (offset > 0 && pread(fd, &before, 1, offset - 1) == 1)
		tail->skipping = before != '\n' && before != '\0';
	return 0;
}

void tail_end(struct tail *tail)
{
	close(tail->fd);
	free(tail->buffer);
	*tail = (struct tail){ .fd = -1 };
}

/* ---- lines ------------------------------------------------------------------------------------- */

/* What a crash, or a writer that did not notice a truncation, leaves in a file's hole. */
static void skip_zeros(struct tail *tail)
{
	while (tail->begin < tail->end && tail->buffer[tail->begin] == '\0') {
		tail->begin++;
		tail->mark.offset++;
	}
}

static void give_lines(struct tail *tail, int64_t limit, const struct follow_options *options, bool context,
		       struct follow_counts *counts)
{
	while (tail->mark.offset < limit) {
		skip_zeros(tail);
		const char *begin = tail->buffer + tail->begin;
		const size_t held = tail->end - tail->begin;
		const char *end = memchr(begin, '\n', held);
		size_t len = end ? (size_t)(end - begin) : held;

		if (!end && held < FOLLOW_LINE)
			return;
		if (!end)
			len = FOLLOW_LINE;
		const bool skip = tail->skipping;
		tail->skipping = !end;
		counts->cut += !end && !skip ? 1 : 0;
		if (!skip) {
			counts->lines += context ? 0 : 1;
			options->fn(options->arg, begin, len, context);
		}
		const size_t taken = len + (end ? 1 : 0);
		tail->begin += taken;
		tail->mark.offset += (int64_t)taken;
	}
}

/* Is what stands before the place still what we read there? */
static bool is_same(const struct tail *tail, int64_t size)
{
	uint64_t back;

	return size >= tail->mark.offset + (int64_t)(tail->end - tail->begin) &&
	       hash_of(tail->fd, tail->mark.offset - tail->mark.back_len, tail->mark.back_len, &back) &&
	       back == tail->mark.back;
}

enum tail_state tail_read(struct tail *tail, int64_t limit, const struct follow_options *options, bool context,
			  struct follow_counts *counts)
{
	const int64_t held = (int64_t)(tail->end - tail->begin);
	struct stat info;

	if (fstat(tail->fd, &info) < 0)
		return TAIL_AT_END;
	if (info.st_size == tail->mark.offset + held)
		return TAIL_AT_END;
	if (!is_same(tail, info.st_size))
		return TAIL_TRUNCATED;
	memmove(tail->buffer, tail->buffer + tail->begin, (size_t)held);
	tail->begin = 0;
	tail->end = (size_t)held;
	const ssize_t got = pread(tail->fd, tail->buffer + tail->end, BUFFER - tail->end, tail->mark.offset + held);
	if (got <= 0)
		return TAIL_AT_END;
	tail->end += (size_t)got;
	tail->quiet_ms = clock_ticks_ms();
	counts->bytes += context ? 0 : (uint64_t)got;
	give_lines(tail, limit, options, context, counts);
	note_content(tail);
	return TAIL_READ;
}
