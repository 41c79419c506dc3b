/*
 * Section `provider` of conf.d: its rows, and what stands against each other in them.
 */
#include "provider/table.h"

/* clang-format off */
static const struct option rows[] = {
	{ OPTION_LIST, "groups", "{}", 0, 0, NULL, provider_row_check, offsetof(struct provider_options, groups),
	  "Domains that one provider takes mail for, and after mx: the hosts that receive it, with all that is below them: "
	  "\"acme: acme.example acme.test mx:mx.acme.test\"; a group may have several rows." },
	{ OPTION_LIST, "own_groups", "{}", 0, 0, NULL, provider_row_check, offsetof(struct provider_options, own_groups),
	  "The same, of your own: they win over groups, and may add to one of them." },
	{ OPTION_BOOL, "lookup", "true", 0, 0, NULL, NULL, offsetof(struct provider_options, lookup),
	  "Whether the MX of recipients' domains are asked for, behind the mail; without, only the domains named here count." },
	{ .name = NULL }
};
/* clang-format on */

/* section_check_fn */
static bool check_groups(const void *values, const char **option, char *error, size_t size)
{
	struct provider_table *table = provider_table_new(values, option, error, size);
	const bool good = table != NULL;

	provider_table_free(&table);
	return good;
}

const struct section provider_section = {
	.name = "provider",
	.summary = "Which domains one provider takes mail for.",
	.options = rows,
	.size = sizeof(struct provider_options),
	.check = check_groups,
};
