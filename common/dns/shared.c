/*
 * The DNS of a process (dns/shared.h).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "dns/servers.h"
#include "dns/shared.h"

#define TRY_MS 1500
#define TRIES 3
#define QUERIES_MAX 4000

struct shared {
	struct shared *next;
	struct dns *dns;
	unsigned references;
	size_t cache_bytes;
	char servers[];
};

static const char *check_servers(const char *value)
{
	struct dns_servers servers;
	char error[256];

	if (value[0] == '\0' || dns_servers_list(&servers, value, error, sizeof(error)))
		return NULL;
	return "write addresses apart by commas, such as \"192.0.2.53\" or \"127.0.0.1:5353, [::1]:5353\"";
}

/* clang-format off */
static const struct option rows[] = {
	{ OPTION_STRING, "servers", "\"\"", 0, 0, NULL, check_servers, offsetof(struct dns_settings, servers),
	  "DNS servers to ask, ADDRESS[:PORT] apart by commas; empty means those of /etc/resolv.conf." },
	{ OPTION_NUMBER, "cache", "32", 1, 1024, NULL, NULL, offsetof(struct dns_settings, cache),
	  "Memory for answers of the DNS in each service that asks, in MB." },
	{ .name = NULL }
};
/* clang-format on */

const struct section dns_section = {
	.name = "dns",
	.summary = "Whom the milters ask about names.",
	.options = rows,
	.size = sizeof(struct dns_settings),
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared *all;

/* With the lock held. */
static struct shared *shared_new(const char *servers, size_t cache_bytes, char *error, size_t size)
{
	const struct dns_options options = {
		.servers = servers,
		.timeout_ms = TRY_MS,
		.tries = TRIES,
		.cache_bytes = cache_bytes,
		.queries_max = QUERIES_MAX,
	};
	const size_t bytes = strlen(servers) + 1;
	struct shared *shared = calloc(1, sizeof(*shared) + bytes);

	if (!shared) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	memcpy(shared->servers, servers, bytes);
	shared->cache_bytes = cache_bytes;
	shared->dns = dns_open(&options, error, size);
	if (!shared->dns) {
		free(shared);
		return NULL;
	}
	shared->next = all;
	all = shared;
	return shared;
}

struct dns *dns_share(const struct dns_settings *settings, char *error, size_t size)
{
	const size_t cache_bytes = (size_t)settings->cache << 20;
	struct shared *shared;
	struct dns *dns = NULL;

	pthread_mutex_lock(&lock);
	for (shared = all; shared; shared = shared->next)
		if (shared->cache_bytes == cache_bytes && !strcmp(shared->servers, settings->servers))
			break;
	if (!shared)
		shared = shared_new(settings->servers, cache_bytes, error, size);
	if (shared) {
		shared->references++;
		dns = shared->dns;
	}
	pthread_mutex_unlock(&lock);
	return dns;
}

void dns_unshare(struct dns **dns)
{
	struct shared **at = &all, *ended = NULL;

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
