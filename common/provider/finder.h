/*
 * Finds out who receives domains' mail, behind whoever asks: from the store, else from the DNS. One thread of its own.
 * Internal to common/provider/.
 */
#ifndef LEUMUND_PROVIDER_FINDER_H
#define LEUMUND_PROVIDER_FINDER_H

#include "provider/exchange.h"

struct dns;
struct finder;

/* Takes both over, also when it fails: NULL when memory or threads are short. Without a DNS it finds nothing. */
struct finder *finder_open(struct provider_table *table, struct dns *dns);

/* Never waits for what is being asked; it ends by itself. */
void finder_close(struct finder **finder);

const struct provider_table *finder_table(const struct finder *finder);

/*
 * What is known; *holds_ms: for how long yet, 0 when it is being asked for again. Begins to find out what is not known,
 * and waits for that until `until_ms` (clock_ticks_ms()); mail is UNKNOWN when that does not do.
 */
void finder_find(struct finder *finder, struct store *store, const char *domain, int64_t until_ms, struct exchange *out,
		 int64_t *holds_ms);

void finder_rest(struct finder *finder);

#endif
