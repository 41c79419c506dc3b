/*
 * Which provider takes a domain's mail: the group of hosts that blocks and counts us as one. Groups, each with domains
 * and with the hosts that receive for it, come from section `provider` of conf.d.
 */
#ifndef LEUMUND_PROVIDER_H
#define LEUMUND_PROVIDER_H

#include <stddef.h>

#include "option/option.h"

struct dns_settings;
struct store;

#define PROVIDER_GROUP_MAX 32 /* bytes of a group's name */

struct provider_options {
	struct string_list groups;
	struct string_list own_groups; /* they win over `groups` */
};

extern const struct section provider_section;

struct providers;

/* NULL and a sentence: of options that were loaded, when memory is short. Nothing of them is needed afterwards. */
struct providers *providers_open(const struct provider_options *options, const struct dns_settings *dns, char *error,
				 size_t size);
void providers_close(struct providers **providers);

/* The store is about to be closed: nothing of this uses it any more when it returns. */
void providers_rest(struct providers *providers);

/*
 * The group that a domain (comparable form, see address/address.h) belongs to; NULL: it is in none, as far as is known.
 * Never waits. A group's name is 1 to 32 of a-z 0-9 - _ and lives as long as `providers`: it has no dot and no colon,
 * so no domain is called so that mail can be sent to. The store may be NULL.
 */
const char *provider_of(struct providers *providers, struct store *store, const char *domain);

#endif
