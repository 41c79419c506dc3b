/*
 * An outcome as a line of printable words, KEY=VALUE: what leumund-learn prints, spools and stores.
 */
#ifndef LEUMUND_TOOLS_EVENT_H
#define LEUMUND_TOOLS_EVENT_H

#include "evidence/evidence.h"
#include "maillog/maillog.h"

#define EVENT_LINE 4096
#define EVENT_REPLY 1000 /* bytes of a reply that are kept */

/* Without the line's end. `account`: "" = not known. */
void event_write(const struct maillog_outcome *outcome, const struct evidence *evidence, const char *account,
		 struct text *out);

/* A value of such a line, as it stands there; empty: it has none. */
struct span event_value(struct span line, const char *key);

#endif
