/*
 * From a question in a line of the Exim protocol (exim/exim.h) to its answer. No I/O.
 */
#ifndef LEUMUND_EXIM_ANSWER_H
#define LEUMUND_EXIM_ANSWER_H

#include "front.h"
#include "text.h"

/* `line` is taken apart in place. One line without its newline is added to `answer`; `status` answers "status". */
void exim_answer(char *line, front_status status, struct text *answer);

#endif
