/*
 * From a question in a line of the Exim protocol (exim/exim.h) to its answer. No I/O.
 */
#ifndef LEUMUND_EXIM_ANSWER_H
#define LEUMUND_EXIM_ANSWER_H

#include "front.h"
#include "text.h"

/*
 * `line` is taken apart in place. One line without its newline is added to `answer`, which is empty and may come back
 * with another, larger buffer: one of malloc(). `status` answers "status".
 */
void exim_answer(char *line, front_status status, struct text *answer);

/* Messages whose header was not changed, or that were held instead of put off: Exim's lines are of before it was known.
 */
uint64_t exim_outdated(void);

#endif
