/*
 * The file in which a place is kept: of the files that are being read, the newest last.
 */
#ifndef LEUMUND_FOLLOW_POSITION_H
#define LEUMUND_FOLLOW_POSITION_H

#include "follow/tail.h"

#define POSITION_MARKS 8

struct position {
	int64_t at_ms; /* when it was written, clock_wall_ms() */
	size_t count;
	struct mark marks[POSITION_MARKS];
};

/* 0, or -1 with errno; EBADMSG: there is a file, and it is none of ours or damaged. */
int position_read(const char *path, struct position *out);

/* Durable, by rename. 0, or -1 with errno. */
int position_write(const char *path, const struct position *position);
int position_write_text(const char *path, const char *text, size_t len);

#endif
