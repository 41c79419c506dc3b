/*
 * The groups as conf.d names them: who belongs where, by name alone. Internal to common/provider/.
 */
#ifndef LEUMUND_PROVIDER_TABLE_H
#define LEUMUND_PROVIDER_TABLE_H

#include <stdbool.h>

#include "provider/provider.h"

struct provider_table;

/* Needs nothing of the options afterwards. NULL: *option names the option at fault, and `error` holds a sentence. */
struct provider_table *provider_table_new(const struct provider_options *options, const char **option, char *error,
					  size_t size);
void provider_table_free(struct provider_table **table);

/* NULL, or what is wrong with one element of the two lists. */
const char *provider_row_check(const char *value);

struct provider_member {
	const char *name; /* as a row has it, in comparable form */
	const char *group;
	bool is_own; /* the row is one of own_groups */
};

/*
 * NULL: no row names it. A domain counts as it stands there, hosts with all that is below them. Domain and host in
 * comparable form.
 */
const struct provider_member *provider_table_domain(const struct provider_table *table, const char *domain);
const struct provider_member *provider_table_host(const struct provider_table *table, const char *host);

#endif
