/*
 * Which provider takes a domain's mail (provider.h).
 */
#include "provider/provider.h"

#include <stdio.h>
#include <stdlib.h>

#include "provider/table.h"

struct providers {
	struct provider_table *table;
};

struct providers *providers_open(const struct provider_options *options, const struct dns_settings *dns, char *error,
				 size_t size)
{
	struct providers *providers = calloc(1, sizeof(*providers));
	const char *option;

	(void)dns;
	snprintf(error, size, "out of memory");
	if (!providers)
		return NULL;
	providers->table = provider_table_new(options, &option, error, size);
	if (!providers->table)
		providers_close(&providers);
	return providers;
}

void providers_close(struct providers **providers)
{
	if (!*providers)
		return;
	provider_table_free(&(*providers)->table);
	free(*providers);
	*providers = NULL;
}

void providers_rest(struct providers *providers)
{
	(void)providers;
}

const char *provider_of(struct providers *providers, struct store *store, const char *domain)
{
	bool is_own;

	(void)store;
	return provider_table_domain(providers->table, domain, &is_own);
}
