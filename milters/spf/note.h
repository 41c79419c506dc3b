/*
 * What a message's log line says of its SPF results.
 */
#ifndef LEUMUND_SPF_NOTE_H
#define LEUMUND_SPF_NOTE_H

#include "milters/spf/inquiry.h"
#include "text.h"

/* " key=value" words: result, domain and problem of each identity that was asked about. */
void note_results(struct inquiry *inquiry, struct text *line);

#endif
