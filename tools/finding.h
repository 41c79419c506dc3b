/*
 * What `leumund check` finds: lines that begin with ok, warn or fail, and end with what to do.
 */
#ifndef LEUMUND_TOOLS_FINDING_H
#define LEUMUND_TOOLS_FINDING_H

enum severity { FINE, WARN, FAIL, SEVERITIES };

/* `remedy` is for WARN and FAIL: an imperative. Both stand on one line where they fit. */
void find(enum severity severity, const char *remedy, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a sentence "what; what to do"; `otherwise` is the remedy of one that names none. */
void find_split(enum severity severity, const char *before, const char *sentence, const char *otherwise);

/* How many there were so far. */
unsigned findings(enum severity severity);

#endif
