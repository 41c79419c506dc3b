/*
 * Lines on disk that wait for the store: in order, bounded, and there after a kill or a crash.
 */
#ifndef LEUMUND_TOOLS_SPOOL_H
#define LEUMUND_TOOLS_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct spool;

/* In the working directory. `most` lines. NULL with errno. */
struct spool *spool_open(uint64_t most);
void spool_close(struct spool **spool);

/* Whole lines with their ends; durable when it returns 0. -1 with errno: nothing was added. */
int spool_append(struct spool *spool, const char *lines, size_t len);

/* The oldest lines that wait, with their ends, until the next call; empty: none, or they cannot be read. */
struct span spool_first(struct spool *spool);

/* The first `len` bytes of those have been stored. */
void spool_done(struct spool *spool, size_t len);

struct spool_counts {
	uint64_t waiting, dropped; /* lines */
};
void spool_count(const struct spool *spool, struct spool_counts *out);

#endif
