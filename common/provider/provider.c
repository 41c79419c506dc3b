/*
 * Which provider takes a domain's mail (provider.h).
 */
#include "provider/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/shared.h"
#include "provider/finder.h"

struct providers {
	struct finder *finder;
};

static struct finder *finder_make(const struct provider_options *options, const struct dns_settings *settings,
				  char *error, size_t size)
{
	const char *option;
	struct provider_table *table = provider_table_new(options, &option, error, size);
	struct finder *finder = NULL;
	struct dns *dns = NULL;

	if (!table)
		return NULL;
	if (options->lookup && !(dns = dns_share(settings, error, size))) {
		provider_table_free(&table);
		return NULL;
	}
	finder = finder_open(table, dns);
	if (!finder)
		snprintf(error, size, "provider: out of memory or threads");
	return finder;
}

struct providers *providers_open(const struct provider_options *options, const struct dns_settings *dns, char *error,
				 size_t size)
{
	struct providers *providers = calloc(1, sizeof(*providers));

	if (!providers) {
		snprintf(error, size, "provider: out of memory");
		return NULL;
	}
	providers->finder = finder_make(options, dns, error, size);
	if (!providers->finder)
		providers_close(&providers);
	return providers;
}

void providers_close(struct providers **providers)
{
	if (!*providers)
		return;
	finder_close(&(*providers)->finder);
	free(*providers);
	*providers = NULL;
}

void providers_rest(struct providers *providers)
{
	finder_rest(providers->finder);
}

void provider_find(struct providers *providers, struct store *store, const char *domain, int64_t until_ms,
		   struct provider *out)
{
	const struct provider_table *table = finder_table(providers->finder);
	struct exchange exchange = { .mail = PROVIDER_MAIL_UNKNOWN };
	int64_t holds_ms = 0;
	const struct provider_member *listed = provider_table_domain(table, domain);

	/* what an admin says no MX changes; and nothing can be asked about a name without a dot */
	if (!(listed && listed->is_own) && strchr(domain, '.'))
		finder_find(providers->finder, store, domain, until_ms, &exchange, &holds_ms);
	exchange_provider(table, domain, &exchange, out);
	out->holds_s = (uint32_t)(holds_ms / 1000);
}

const char *provider_of(struct providers *providers, struct store *store, const char *domain)
{
	struct provider provider;

	provider_find(providers, store, domain, 0, &provider);
	return provider.group;
}
