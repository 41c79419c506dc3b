/*
 * One open file, read line by line from a place to where it ends now.
 */
#ifndef LEUMUND_FOLLOW_TAIL_H
#define LEUMUND_FOLLOW_TAIL_H

#include <sys/stat.h>

#include "follow/follow.h"

/* A place in a content. */
struct mark {
	uint64_t inode;
	int64_t offset; /* of the first line that was not given */
	uint32_t head_len, back_len;
	uint64_t head, back; /* hashes of the first head_len bytes, and of the back_len bytes before offset */
};

/* Does this open file have that content up to that place? */
bool mark_fits(const struct mark *mark, int fd);

struct tail {
	int fd;
	struct mark mark;
	char *buffer;
	size_t begin, end; /* what was read and not given, from mark.offset on */
	bool skipping;	   /* the rest of a line that was cut */
	bool leaving;	   /* another file has taken its place */
	bool is_copy;	   /* nobody will write to it any more */
	int64_t quiet_ms;  /* clock_ticks_ms() of the last byte, or of the leave */
};

/* A regular file, or -1 with errno. */
int tail_open_file(const char *path, int directory, struct stat *info);

/* Takes the descriptor. 0, or -1 without memory: it is closed then. */
int tail_start(struct tail *tail, int fd, int64_t offset);
void tail_end(struct tail *tail);

enum tail_state { TAIL_READ, TAIL_AT_END, TAIL_TRUNCATED };

/* Reads once; the lines go to `fn` as `context` says, up to the offset `limit` (INT64_MAX: all). */
enum tail_state tail_read(struct tail *tail, int64_t limit, const struct follow_options *options, bool context,
			  struct follow_counts *counts);

#endif
