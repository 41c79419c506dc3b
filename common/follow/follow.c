/*
 * Follows a log file (follow.h): which files there are to read, in which order, and when one is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "follow/journal.h"
#include "follow/position.h"
#include "follow/sibling.h"
#include "system/clock.h"

#define LEAVE_MS 10000 /* a log that was renamed is written to until its writer is told */
#define LOOK_MS 100    /* between two looks whether another file has its name */

struct follow {
	struct follow_options options;
	struct follow_counts counts;
	size_t count;
	struct tail tails[POSITION_MARKS]; /* the oldest first */
	bool has_current;		   /* the last of them has the log's name */
	int64_t looked_ms;
	int trouble;		 /* errno of the last try to open it */
	struct journal *journal; /* in place of all that */
};

static void say(struct follow *follow, bool is_warning, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct follow *follow, bool is_warning, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	if (!follow->options.say)
		return;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	follow->options.say(follow->options.arg, is_warning, sentence);
}

/* ---- the files that are read ------------------------------------------------------------------- */

static void drop(struct follow *follow, size_t i)
{
	struct tail *tail = &follow->tails[i];

	follow->counts.torn += tail->end > tail->begin ? 1 : 0;
	tail_end(tail);
	memmove(tail, tail + 1, (follow->count - i - 1) * sizeof(*tail));
	follow->count--;
}

/* Takes the descriptor. The newest comes last; where too many wait, the oldest goes, and that is said. */
static struct tail *add(struct follow *follow, int fd, int64_t offset)
{
	if (follow->count == POSITION_MARKS) {
		follow->counts.gaps++;
		say(follow, true, "%s: rotated %d times while lines wait; the oldest file is left unread",
		    follow->options.path, POSITION_MARKS);
		drop(follow, 0);
	}
	struct tail *tail = &follow->tails[follow->count];
	if (tail_start(tail, fd, offset) < 0)
		return NULL;
	follow->count++;
	return tail;
}

static void add_leaving(struct follow *follow, int fd, int64_t offset, bool is_copy)
{
	struct tail *tail = add(follow, fd, offset);

	if (tail) {
		tail->leaving = true;
		tail->is_copy = is_copy;
	}
}

static void trouble_say(struct follow *follow, int number)
{
	if (follow->trouble == number)
		return;
	follow->trouble = number;
	follow->counts.is_missing = number != 0;
	if (number == 0)
		return;
	say(follow, true, "%s: %s%s", follow->options.path, number == EINVAL ? "no regular file" : strerror(number),
	    number == EACCES   ? "; the user that this runs as must be a member of the file's group, such as adm"
	    : number == ENOENT ? "; it is waited for"
			       : "");
}

/* Where the last whole line ends. */
static int64_t last_line_end(int fd, int64_t size)
{
	char bytes[4096];

	while (size > 0) {
		const size_t len = size < (int64_t)sizeof(bytes) ? (size_t)size : sizeof(bytes);
		if (pread(fd, bytes, len, size - (int64_t)len) != (ssize_t)len)
			return 0;
		const char *newline = memrchr(bytes, '\n', len);
		if (newline)
			return size - (int64_t)len + (newline - bytes) + 1;
		size -= (int64_t)len;
	}
	return 0;
}

/* ---- the start --------------------------------------------------------------------------------- */

/* The lines before a place, at most `most` bytes of them; how many bytes. */
static int64_t give_context(struct follow *follow, int fd, int64_t until, int64_t most)
{
	const int64_t from = until > most ? last_line_end(fd, until - most) : 0;
	struct tail tail;

	if (until <= 0 || fd < 0 || tail_start(&tail, fd, from) < 0)
		return 0;
	while (tail.mark.offset < until &&
	       tail_read(&tail, until, &follow->options, true, &follow->counts) == TAIL_READ)
		;
	tail_end(&tail);
	return until - from;
}

static void context(struct follow *follow, struct siblings *siblings)
{
	const struct tail *first = &follow->tails[0];
	int64_t most = (int64_t)follow->options.context;
	struct sibling *before = NULL;
	struct stat info;

	if (most <= 0 || follow->count == 0 || fstat(first->fd, &info) < 0)
		return;
	const int64_t changed_ms = info.st_mtim.tv_sec * 1000LL + info.st_mtim.tv_nsec / 1000000;
	for (size_t i = 0; i < siblings->count; i++)
		if (!siblings->at[i].taken && siblings->at[i].inode != first->mark.inode &&
		    siblings->at[i].changed_ms <= changed_ms)
			before = &siblings->at[i];
	if (before && first->mark.offset < most)
		(void)give_context(follow, sibling_open(siblings, before), before->size, most - first->mark.offset);
	const int fd = dup(first->fd);
	if (fd >= 0)
		(void)give_context(follow, fd, first->mark.offset, most);
}

/* Whole files between one that was read and the log of now: the machine, or we, slept longer than one rotation. */
static void add_between(struct follow *follow, struct siblings *siblings, int64_t since_ms)
{
	for (size_t i = 0; i < siblings->count; i++) {
		struct sibling *sibling = &siblings->at[i];
		if (sibling->taken || sibling->changed_ms < since_ms)
			continue;
		const int fd = sibling_open(siblings, sibling);
		if (fd < 0)
			continue;
		sibling->taken = true;
		add_leaving(follow, fd, 0, true);
	}
}

/* Where this content goes on: in the log itself (its descriptor is taken), or beside it. True: in the log itself. */
static bool find_mark(struct follow *follow, const struct mark *mark, int *current, struct siblings *siblings,
		      int64_t *since_ms)
{
	struct sibling *which = NULL;
	struct stat info;

	if (*current >= 0 && fstat(*current, &info) == 0 && mark_fits(mark, *current) &&
	    (info.st_ino == mark->inode || mark->head_len > 0)) {
		add(follow, *current, mark->offset);
		*current = -1;
		return true;
	}
	const int fd = siblings_take(siblings, mark, &which);
	if (fd >= 0) {
		*since_ms = which->changed_ms;
		add_leaving(follow, fd, mark->offset, which->inode != mark->inode);
		return false;
	}
	if (mark->offset > 0) {
		follow->counts.gaps++;
		say(follow, true,
		    "%s: what followed the last line that was read is gone or compressed already; rotate with "
		    "delaycompress, and see leumund-learn(8) on reading old logs",
		    follow->options.path);
	}
	return false;
}

/* From the place that was kept. */
static void resume(struct follow *follow, const struct position *position, struct siblings *siblings)
{
	struct stat info;
	int current = tail_open_file(follow->options.path, AT_FDCWD, &info);
	int64_t since_ms = position->at_ms;

	trouble_say(follow, current < 0 ? errno : 0);
	for (size_t i = 0; i < position->count && !follow->has_current; i++)
		follow->has_current = find_mark(follow, &position->marks[i], &current, siblings, &since_ms);
	if (follow->has_current)
		return;
	add_between(follow, siblings, since_ms);
	if (current >= 0 && add(follow, current, 0))
		follow->has_current = true;
}

/* Without a place. */
static void begin(struct follow *follow)
{
	struct stat info;
	const int fd = tail_open_file(follow->options.path, AT_FDCWD, &info);

	trouble_say(follow, fd < 0 ? errno : 0);
	if (fd >= 0 && add(follow, fd, follow->options.from_begin ? 0 : last_line_end(fd, info.st_size)))
		follow->has_current = true;
}

struct follow *follow_open(const struct follow_options *options)
{
	struct follow *follow = calloc(1, sizeof(*follow));
	struct position position;
	struct siblings siblings;

	if (!follow)
		return NULL;
	follow->options = *options;
	if (strncmp(options->path, FOLLOW_JOURNAL, strlen(FOLLOW_JOURNAL)) == 0) {
		follow->journal = journal_open(&follow->options, &follow->counts);
		if (!follow->journal)
			follow_close(&follow);
		return follow;
	}
	siblings_find(options->path, &siblings);
	if (options->position && position_read(options->position, &position) == 0) {
		resume(follow, &position, &siblings);
	} else {
		if (options->position && errno != ENOENT) {
			say(follow, true, "%s: %s; %s is read from its begin, and what was counted already counts once",
			    options->position, errno == EBADMSG ? "damaged" : strerror(errno), options->path);
			follow->options.from_begin = true;
		}
		begin(follow);
	}
	context(follow, &siblings);
	siblings_free(&siblings);
	return follow;
}

/* ---- while it runs ----------------------------------------------------------------------------- */

/* The log was copied, then cut off: the copy has what we had not read. */
static void truncated(struct follow *follow)
{
	struct tail *current = &follow->tails[follow->count - 1];
	struct sibling *which = NULL;
	const struct mark mark = current->mark;
	struct siblings siblings;

	const int fd = dup(current->fd);
	follow->count--;
	tail_end(current);
	follow->has_current = false;
	follow->counts.rotations++;
	siblings_find(follow->options.path, &siblings);
	const int copy = siblings_take(&siblings, &mark, &which);
	if (copy >= 0)
		add_leaving(follow, copy, mark.offset, true);
	else if (mark.offset > 0)
		say(follow, false, "%s: was truncated, and there is no copy of what stood there", follow->options.path);
	siblings_free(&siblings);
	if (fd >= 0 && add(follow, fd, 0))
		follow->has_current = true;
}

/* Has the log's name become another file's? */
static void renamed(struct follow *follow)
{
	struct tail *current = follow->has_current ? &follow->tails[follow->count - 1] : NULL;
	const int64_t now = clock_ticks_ms();
	struct stat info;

	if (now - follow->looked_ms < LOOK_MS)
		return;
	follow->looked_ms = now;
	if (current && stat(follow->options.path, &info) == 0 && info.st_ino == current->mark.inode)
		return;
	const int fd = tail_open_file(follow->options.path, AT_FDCWD, &info);
	/* between rename and create there is none */
	if (fd < 0 && (!current || errno != ENOENT))
		trouble_say(follow, errno);
	if (fd < 0)
		return;
	trouble_say(follow, 0);
	if (current) {
		current->leaving = true;
		current->quiet_ms = now;
		follow->counts.rotations++;
	}
	follow->has_current = add(follow, fd, 0) != NULL;
}

/* A file that nobody writes to any more. */
static bool is_done(const struct follow *follow, const struct tail *tail)
{
	const struct tail *last = &follow->tails[follow->count - 1];

	if (!tail->leaving || follow->count == 1)
		return false;
	/* a writer that still has the old one has not begun the new one */
	return tail->is_copy || (clock_ticks_ms() - tail->quiet_ms > LEAVE_MS &&
				 (last->leaving || last->mark.offset > 0 || last->end > 0));
}

size_t follow_read(struct follow *follow, size_t most)
{
	const uint64_t before = follow->counts.bytes;

	if (follow->journal)
		return journal_read(follow->journal, most);
	for (size_t i = 0; i < follow->count && follow->counts.bytes - before < most;) {
		struct tail *tail = &follow->tails[i];
		enum tail_state state;

		do
			state = tail_read(tail, INT64_MAX, &follow->options, false, &follow->counts);
		while (state == TAIL_READ && follow->counts.bytes - before < most);
		if (state == TAIL_TRUNCATED && !tail->leaving) {
			truncated(follow);
			break;
		}
		if (state != TAIL_READ && (state == TAIL_TRUNCATED || is_done(follow, tail)))
			drop(follow, i);
		else
			i++;
	}
	renamed(follow);
	return (size_t)(follow->counts.bytes - before);
}

int follow_save(struct follow *follow)
{
	struct position position = { .at_ms = clock_wall_ms(), .count = follow->count };

	if (follow->journal)
		return journal_save(follow->journal);
	if (!follow->options.position || follow->count == 0)
		return 0;
	for (size_t i = 0; i < follow->count; i++)
		position.marks[i] = follow->tails[i].mark;
	return position_write(follow->options.position, &position);
}

void follow_count(struct follow *follow, struct follow_counts *out)
{
	struct stat info;

	follow->counts.behind = 0;
	for (size_t i = 0; i < follow->count; i++)
		if (fstat(follow->tails[i].fd, &info) == 0 && info.st_size > follow->tails[i].mark.offset)
			follow->counts.behind += info.st_size - follow->tails[i].mark.offset;
	*out = follow->counts;
}

void follow_close(struct follow **follow)
{
	while (*follow && (*follow)->count > 0)
		tail_end(&(*follow)->tails[--(*follow)->count]);
	if (*follow)
		journal_close(&(*follow)->journal);
	free(*follow);
	*follow = NULL;
}
