/*
 * The DNS of the milter (resolver.h).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "spf/resolver.h"

#define TRY_MS 1500
#define TRIES 3
#define QUERIES_MAX 4000

struct resolver {
	struct resolver *next;
	struct dns *dns;
	unsigned references;
	size_t cache_bytes;
	char servers[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct resolver *resolvers;

/* With the lock held. */
static struct resolver *resolver_new(const char *servers, size_t cache_bytes, char *error, size_t size)
{
	const struct dns_options options = {
		.servers = servers,
		.timeout_ms = TRY_MS,
		.tries = TRIES,
		.cache_bytes = cache_bytes,
		.queries_max = QUERIES_MAX,
	};
	const size_t bytes = strlen(servers) + 1;
	struct resolver *resolver = calloc(1, sizeof(*resolver) + bytes);

	if (!resolver) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	memcpy(resolver->servers, servers, bytes);
	resolver->cache_bytes = cache_bytes;
	resolver->dns = dns_open(&options, error, size);
	if (!resolver->dns) {
		free(resolver);
		return NULL;
	}
	resolver->next = resolvers;
	resolvers = resolver;
	return resolver;
}

struct dns *resolver_open(const char *servers, size_t cache_bytes, char *error, size_t size)
{
	struct resolver *resolver;
	struct dns *dns = NULL;

	pthread_mutex_lock(&lock);
	for (resolver = resolvers; resolver; resolver = resolver->next)
		if (resolver->cache_bytes == cache_bytes && !strcmp(resolver->servers, servers))
			break;
	if (!resolver)
		resolver = resolver_new(servers, cache_bytes, error, size);
	if (resolver) {
		resolver->references++;
		dns = resolver->dns;
	}
	pthread_mutex_unlock(&lock);
	return dns;
}

void resolver_close(struct dns **dns)
{
	struct resolver **at = &resolvers, *ended = NULL;

	if (!*dns)
		return;
	pthread_mutex_lock(&lock);
	while ((*at)->dns != *dns)
		at = &(*at)->next;
	if (--(*at)->references == 0) {
		ended = *at;
		*at = ended->next;
	}
	pthread_mutex_unlock(&lock);
	if (ended)
		dns_close(&ended->dns);
	free(ended);
	*dns = NULL;
}
