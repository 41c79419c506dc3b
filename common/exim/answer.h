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

/* Messages that passed with their header as it was, though a milter would have changed it. */
uint64_t exim_unchanged(void);

#endif
