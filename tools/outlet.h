/*
 * Where outcomes go: to standard output, or into the store and, while that is away, into a spool.
 */
#ifndef LEUMUND_TOOLS_OUTLET_H
#define LEUMUND_TOOLS_OUTLET_H

#include "evidence/evidence.h"
#include "maillog/maillog.h"
#include "spool.h"
#include "store/store.h"

struct outlet;

struct outlet_counts {
	uint64_t by_status[MAILLOG_STATUSES];
	uint64_t by_speaker[MAILLOG_SPEAKERS];
	uint64_t stored, spooled, dropped, refused; /* refused: the store takes others, but not this one */
	uint64_t waiting;			    /* in the spool now */
	bool away;				    /* the store, at the last try */
};

/* Prints each line. NULL: no memory. */
struct outlet *outlet_print(void);

/* Takes the spool (NULL: without the store nothing is settled), not the store. */
struct outlet *outlet_store(struct store *store, struct spool *spool, const struct store_options *options);
void outlet_close(struct outlet **outlet);

/* `account`: "" = not known. */
void outlet_put(struct outlet *outlet, const struct maillog_outcome *outcome, const struct evidence *evidence,
		const char *account);

/* True: all that was put is stored or spooled, durably, or printed. False: it stays here, and the next call tries
 * again. */
bool outlet_flush(struct outlet *outlet);
bool outlet_is_settled(const struct outlet *outlet); /* nothing stays here */
bool outlet_is_broken(const struct outlet *outlet);  /* nothing can be printed any more */

/* Too much waits in memory: read no more before a flush succeeds. */
bool outlet_is_full(const struct outlet *outlet);

void outlet_count(const struct outlet *outlet, struct outlet_counts *out);

#endif
