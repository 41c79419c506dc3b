/*
 * Follows a log file: each line once, through rotation (by renaming, or by copying and truncating), restarts and kills.
 *
 * What was read is remembered as a place in a content: the file's first bytes and those before the place, as hashes,
 * and its inode, which alone would not do, as inodes come again and a copy has another. Looked for is that content, in
 * the file itself and in what logrotate made of it (NAME.1, NAME-20261121 and the like beside it; not what is
 * compressed already, so rotate with delaycompress).
 *
 * It looks, it is not told: inotify is silent on NFS and where another mounts the same file. Call follow_read() often.
 */
#ifndef LEUMUND_FOLLOW_H
#define LEUMUND_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In place of a path; followed by ":/DIRECTORY" it is the journal there. Needs a build with libsystemd. */
#define FOLLOW_JOURNAL "journal"

/* Longer lines are cut there. */
#define FOLLOW_LINE (64 * 1024)

/* One line, without its end; may hold any byte. `context`: it was read in an earlier life, or lies before the start. */
typedef void follow_fn(void *arg, const char *line, size_t len, bool context);

/* Something that an admin may want to know: a sentence. */
typedef void follow_say_fn(void *arg, bool is_warning, const char *sentence);

struct follow_options {
	const char *path;
	const char *position; /* file in which the place is kept, made by follow_save(); NULL: none */
	bool from_begin;      /* without a place yet: begin at the begin, not at the end */
	size_t context;	      /* bytes before the place that are given again, as context */
	follow_fn *fn;
	follow_say_fn *say;
	void *arg;
};

struct follow_counts {
	uint64_t lines, bytes, rotations;
	uint64_t torn;	 /* half lines at the end of files that were left */
	uint64_t cut;	 /* lines that were too long */
	uint64_t gaps;	 /* times when what followed the place was nowhere to be found */
	bool is_missing; /* there is no such file now, or it may not be read */
	int64_t behind;	 /* bytes that are there and were not read yet */
};

struct follow;

/*
 * Finds its place; the file itself may appear later. The strings must live as long. NULL: no memory, or a journal that
 * this build cannot read.
 */
struct follow *follow_open(const struct follow_options *options);

/* Gives the lines of about `most` bytes; how many bytes were read, 0: nothing new. */
size_t follow_read(struct follow *follow, size_t most);

/*
 * Writes down the place: no line given up to now will be given again but as context. Durable when it returns 0;
 * -1 with errno: the place of before stays.
 */
int follow_save(struct follow *follow);

void follow_count(struct follow *follow, struct follow_counts *out);
void follow_close(struct follow **follow);

#endif
