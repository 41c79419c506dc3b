/*
 * One question to the store, and its answer as a list: what `leumund explain`, `history` and `refusals` share.
 */
#ifndef LEUMUND_TOOLS_QUESTION_H
#define LEUMUND_TOOLS_QUESTION_H

#include "setup.h"
#include "store/store.h"
#include "tool.h"

#define QUESTION_MS 10000 /* how long an answer is waited for */

struct question {
	const struct call *call;
	struct setup setup;
	struct store *store;
	size_t shown; /* rows of the list */
	bool finding; /* it is done, but there is something to look at */
};

/* 0, or the exit status after a complaint. */
int question_open(struct question *question, const struct call *call);

/* Ends the list; what was found becomes the exit status, `none` is the sentence for nothing. */
int question_close(struct question *question, enum store_result result, const char *none);

/* What --json needs before the list, and before each of its rows. */
void list_begin(const struct question *question, const char *name);
void list_separate(struct question *question);

#endif
