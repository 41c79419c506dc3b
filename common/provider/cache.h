/*
 * Who receives for which domain, within a bound: the domain that was used last goes last. No lock of its own, and no
 * clock. Internal to common/provider/.
 */
#ifndef LEUMUND_PROVIDER_CACHE_H
#define LEUMUND_PROVIDER_CACHE_H

#include "provider/exchange.h"

struct cache_entry {
	struct cache_entry *chain;	   /* of the bucket */
	struct cache_entry *newer, *older; /* by last use */
	struct cache_entry *next;	   /* of its user's queue */
	bool pinned;			   /* its user works on it: it stays */
	int64_t refresh_ms;		   /* clock_ticks_ms(): ask (again); 0 at first */
	struct exchange exchange;
	char domain[];
};

#define CACHE_BUCKETS 4096

struct cache {
	size_t count, most;
	struct cache_entry *newest, *oldest;
	struct cache_entry *buckets[CACHE_BUCKETS];
};

/* Zeroed before. */
void cache_init(struct cache *cache, size_t most);
void cache_free(struct cache *cache);

/* NULL: it is not there. */
struct cache_entry *cache_find(struct cache *cache, const char *domain);

/* One that is not there. NULL: no memory. */
struct cache_entry *cache_add(struct cache *cache, const char *domain);

#endif
