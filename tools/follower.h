/*
 * The loop of leumund-learn: logs in, outcomes out.
 */
#ifndef LEUMUND_TOOLS_FOLLOWER_H
#define LEUMUND_TOOLS_FOLLOWER_H

#include "outlet.h"
#include "setup.h"

struct follower;

/*
 * `here`: this host's name; `table`: what answers mean. All must live as long. NULL: no memory.
 */
struct follower *follower_new(const struct setup *setup, const struct evidence_table *table, struct outlet *outlet,
			      const char *here);
void follower_free(struct follower **follower);

/*
 * The files of section learn: with `keeps` from their places, which are kept in the working directory, and where there
 * is none from their begins or ends; else from their ends. 0, or the exit status after a line in the log.
 */
int follower_follow(struct follower *follower, bool keeps, bool from_begin);

/* Reads what is there; true: something was. Also when nothing is there it has to be called ten times a second. */
bool follower_step(struct follower *follower);

/* Stores and saves what there is, at the end. False: some outcomes will be read again. */
bool follower_settle(struct follower *follower);

/*
 * One file to its end, "-" standard input; gzip too. Waits a minute for a store that is away, unless `stop` says that a
 * signal came. False: it was not read to its end.
 */
bool follower_read(struct follower *follower, const char *path, int (*stop)(void));

struct follower_figures {
	uint64_t lines, outcomes, doubtful, foreign, no_account;
	uint64_t rotations, gaps, torn, cut;
	int64_t behind;
};
void follower_figure(struct follower *follower, struct follower_figures *out);

#endif
