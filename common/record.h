/*
 * What stays of a decision: one line in the log, one entry of the history, one count.
 */
#ifndef LEUMUND_RECORD_H
#define LEUMUND_RECORD_H

#include "judge.h"

/*
 * `said` is what the way of submission let us say of it; the view's stage tells whether it is of the whole message.
 * What was only observed stands in the judgement.
 */
void record_decision(const struct bench *bench, const struct view *view, const struct judgement *judgement,
		     const struct decision *decision, enum action said);

/* Counts what was observed beside it: once a message. */
void record_observed(const struct stack *stack, const struct decision *decision);

/* Verdicts since the start, for `status`: calls fn for each (milter, rule, action) seen. */
void record_counts(void (*fn)(void *arg, const char *milter, const char *rule, const char *action, uint64_t count),
		   void *arg);
uint64_t record_accepted(void);

#endif
