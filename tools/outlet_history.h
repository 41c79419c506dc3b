/*
 * Outcomes in an account's history: what other servers refused or deferred, as `leumund history` shows it.
 */
#ifndef LEUMUND_TOOLS_OUTLET_HISTORY_H
#define LEUMUND_TOOLS_OUTLET_HISTORY_H

#include "maillog/maillog.h"
#include "store/store.h"

/* Not what was delivered, nor what our own MTA said, nor one deferral twice: the history holds store.history_max. */
bool history_wants(const struct maillog_outcome *outcome, const char *account);

struct history_result {
	size_t len; /* bytes of the lines that are settled: stored, or refused for good; 0: try again later */
	size_t stored, refused;
};

/*
 * Stores the first of these lines of event_write(), each with its end. Doing it twice is the same as once: the
 * history's id is made of the outcome's.
 */
void history_store(struct store *store, const struct store_options *options, struct span lines,
		   struct history_result *out);

#endif
