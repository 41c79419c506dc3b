/*
 * A decision as the history keeps it: "ID key=value key=value ...", values without blanks.
 */
#ifndef LEUMUND_TOOLS_DECISION_LINE_H
#define LEUMUND_TOOLS_DECISION_LINE_H

#include <stdbool.h>

#include "text.h"

/* Takes the next key=value word off `*line`; words without = are skipped. False at the end. */
bool fact_next(const char **line, struct span *key, struct span *value);

/* The value of a key as a string, "" when there is none; cut to the buffer. */
const char *fact_of(const char *line, const char *key, char *out, size_t size);

#endif
