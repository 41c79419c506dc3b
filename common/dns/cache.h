/*
 * Answers that still hold, within a bound of memory. No lock of its own, and no clock. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_CACHE_H
#define LEUMUND_DNS_CACHE_H

#include "dns/name.h"

struct dns_cache;

/* `bytes` bounds all of it, the table included. NULL: no memory. */
struct dns_cache *dns_cache_new(size_t bytes);
void dns_cache_free(struct dns_cache **cache);

/* With a reference for the caller; or NULL. `now_ms`: clock_ticks_ms(). */
const struct dns_answer *dns_cache_get(struct dns_cache *cache, const struct dns_key *key, int64_t now_ms);

/* Keeps a reference of its own, for as long as the answer holds. */
void dns_cache_put(struct dns_cache *cache, const struct dns_key *key, const struct dns_answer *answer, int64_t now_ms);

size_t dns_cache_entries(const struct dns_cache *cache);
size_t dns_cache_bytes(const struct dns_cache *cache);
size_t dns_cache_bytes_max(const struct dns_cache *cache);

#endif
