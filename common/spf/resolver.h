/*
 * The DNS of the milter: one for all configurations that ask the same servers, so that a reload keeps the cache.
 */
#ifndef LEUMUND_SPF_RESOLVER_H
#define LEUMUND_SPF_RESOLVER_H

#include <stddef.h>

struct dns;

/* "" = the host's servers. NULL and a sentence on failure. Give it back with resolver_close(). */
struct dns *resolver_open(const char *servers, size_t cache_bytes, char *error, size_t size);

/* Ends with the last that opened it; nobody's look-up is under way then. */
void resolver_close(struct dns **dns);

#endif
