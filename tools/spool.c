/*
 * Lines that wait for the store (spool.h): files "spool.N", each of so many lines; the oldest is dropped whole when
 * there is no more room. How far the oldest has been stored stands in "spool.done"; what was stored after that is only
 * sent again, and its id makes it count once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "spool.h"

#define SEGMENT 10000 /* lines of one file, about */
#define WINDOW (64 * 1024)
#define PREFIX "spool."
#define DONE "spool.done"

struct spool {
	uint64_t most, waiting, dropped;
	uint32_t first, last; /* numbers of the files; first > last: nothing waits */
	int reading, writing; /* the first and the last; -1: not open */
	off_t at, end;	      /* how far the first was stored; where whole lines end in the last */
	uint64_t written;     /* lines in the last */
	int done;
	size_t held;
	char window[WINDOW];
};

static void name_of(uint32_t number, char out[24])
{
	snprintf(out, 24, PREFIX "%010u", number);
}

static uint64_t lines_in(const char *from, size_t len)
{
	uint64_t count = 0;

	for (const char *at = from; (at = memchr(at, '\n', len - (size_t)(at - from))); at++)
		count++;
	return count;
}

/* From there to the end of this file; 0 when it cannot be read. */
static uint64_t lines_from(uint32_t number, off_t at)
{
	char name[24], bytes[16384];
	uint64_t count = 0;
	ssize_t got;

	name_of(number, name);
	const int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	while (fd >= 0 && (got = pread(fd, bytes, sizeof(bytes), at)) > 0) {
		count += lines_in(bytes, (size_t)got);
		at += got;
	}
	if (fd >= 0)
		close(fd);
	return count;
}

/* How far the first was stored. What cannot be written is only sent again. */
static void write_done(struct spool *spool)
{
	char line[64];
	const int len = snprintf(line, sizeof(line), "%010u %020lld\n", spool->first, (long long)spool->at);

	if (pwrite(spool->done, line, (size_t)len, 0) != len)
		log_warning(DONE ": %s; after a restart some outcomes are sent again", strerror(errno));
}

/* ---- the start --------------------------------------------------------------------------------- */

static void find_files(struct spool *spool)
{
	DIR *list = opendir(".");
	struct dirent *entry;

	spool->first = 1;
	spool->last = 0;
	while (list && (entry = readdir(list))) {
		const char *digits = entry->d_name + strlen(PREFIX);
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 || strspn(digits, "0123456789") != 10 ||
		    digits[10] != '\0')
			continue;
		const uint32_t number = (uint32_t)strtoul(digits, NULL, 10);
		const bool is_only = spool->first > spool->last;
		if (is_only || number < spool->first)
			spool->first = number;
		if (is_only || number > spool->last)
			spool->last = number;
	}
	if (list)
		closedir(list);
}

static void read_done(struct spool *spool)
{
	char line[64] = "";
	uint32_t number;
	long long at;

	/* ours; a damaged one only lets more be sent again: NOLINTNEXTLINE(cert-err34-c) */
	if (pread(spool->done, line, sizeof(line) - 1, 0) > 0 && sscanf(line, "%u %lld", &number, &at) == 2 &&
	    number == spool->first && at > 0)
		spool->at = at;
}

/* A kill in the middle of a write leaves half a line: it was not promised to anybody, so it is cut off. */
static int open_last(struct spool *spool)
{
	char name[24], bytes[4096];
	ssize_t got;

	name_of(spool->last, name);
	spool->writing = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (spool->writing < 0)
		return -1;
	spool->end = 0;
	spool->written = 0;
	for (off_t at = 0; (got = pread(spool->writing, bytes, sizeof(bytes), at)) > 0; at += got) {
		const char *newline = memrchr(bytes, '\n', (size_t)got);
		if (newline)
			spool->end = at + (newline - bytes) + 1;
		spool->written += lines_in(bytes, (size_t)got);
	}
	return got == 0 ? ftruncate(spool->writing, spool->end) : -1;
}

struct spool *spool_open(uint64_t most)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (!spool)
		return NULL;
	spool->most = most;
	spool->reading = spool->writing = -1;
	spool->done = open(DONE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (spool->done < 0) {
		spool_close(&spool);
		return NULL;
	}
	find_files(spool);
	read_done(spool);
	if (spool->first <= spool->last && open_last(spool) < 0) {
		const int saved = errno;
		spool_close(&spool);
		errno = saved;
		return NULL;
	}
	for (uint32_t number = spool->first; number <= spool->last; number++)
		spool->waiting += lines_from(number, number == spool->first ? spool->at : 0);
	return spool;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void spool_close(struct spool **spool)
{
	if (*spool) {
		close_one(&(*spool)->reading);
		close_one(&(*spool)->writing);
		close_one(&(*spool)->done);
	}
	free(*spool);
	*spool = NULL;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void drop_first(struct spool *spool)
{
	char name[24];

	name_of(spool->first, name);
	unlink(name);
	close_one(&spool->reading);
	spool->held = 0;
	spool->at = 0;
	if (spool->first++ == spool->last)
		close_one(&spool->writing);
}

static void make_room(struct spool *spool)
{
	while (spool->waiting > spool->most && spool->first < spool->last) {
		const uint64_t lines = lines_from(spool->first, spool->at);

		spool->dropped += lines;
		spool->waiting -= lines < spool->waiting ? lines : spool->waiting;
		drop_first(spool);
	}
}

/* The next file, and its name on disk for good. */
static int begin_last(struct spool *spool)
{
	close_one(&spool->writing);
	spool->last++;
	if (open_last(spool) < 0) {
		spool->last--;
		return -1;
	}
	if (spool->first == spool->last) { /* its number may have been another's */
		spool->at = 0;
		write_done(spool);
	}
	const int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0) {
		(void)fsync(directory);
		close(directory);
	}
	return 0;
}

int spool_append(struct spool *spool, const char *lines, size_t len)
{
	off_t at = spool->end;

	if (len == 0)
		return 0;
	if ((spool->writing < 0 || spool->written >= SEGMENT) && begin_last(spool) < 0)
		return -1;
	at = spool->end;
	for (size_t done = 0; done < len;) {
		const ssize_t put = pwrite(spool->writing, lines + done, len - done, at + (off_t)done);
		if (put < 0 && errno != EINTR) {
			const int saved = errno;
			/* what cannot be cut off lies behind the end, where nobody looks */
			if (ftruncate(spool->writing, spool->end) == 0)
				errno = saved;
			return -1;
		}
		done += put > 0 ? (size_t)put : 0;
	}
	if (fdatasync(spool->writing) < 0)
		return -1;
	spool->end = at + (off_t)len;
	spool->written += lines_in(lines, len);
	spool->waiting += lines_in(lines, len);
	make_room(spool);
	return 0;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static bool open_first(struct spool *spool)
{
	char name[24];

	if (spool->reading >= 0)
		return true;
	name_of(spool->first, name);
	spool->reading = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return spool->reading >= 0;
}

struct span spool_first(struct spool *spool)
{
	while (spool->first <= spool->last) {
		if (!open_first(spool)) {
			if (errno != ENOENT)
				break;
			drop_first(spool); /* one that somebody took away */
			continue;
		}
		const off_t left = spool->first == spool->last ? spool->end - spool->at : WINDOW;
		const ssize_t got =
			pread(spool->reading, spool->window, left < WINDOW ? (size_t)left : WINDOW, spool->at);
		const char *newline = got > 0 ? memrchr(spool->window, '\n', (size_t)got) : NULL;
		if (got < 0)
			break;
		if (newline) {
			spool->held = (size_t)(newline - spool->window) + 1;
			return (struct span){ spool->window, spool->held };
		}
		drop_first(spool);
	}
	return (struct span){ "", 0 };
}

void spool_done(struct spool *spool, size_t len)
{
	const uint64_t lines = lines_in(spool->window, len);

	spool->waiting -= lines < spool->waiting ? lines : spool->waiting;
	spool->at += (off_t)len;
	if (spool->first == spool->last && spool->at >= spool->end)
		drop_first(spool);
	else
		write_done(spool);
}

void spool_count(const struct spool *spool, struct spool_counts *out)
{
	out->waiting = spool->waiting;
	out->dropped = spool->dropped;
}
