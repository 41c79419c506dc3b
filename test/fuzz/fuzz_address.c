/*
 * libFuzzer: domain_canonical() and mail_path_parse().
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"

/* What came out is lower-case LDH of lawful length and stays as it is. */
static void domain_check(const char *name)
{
	domain_name again;

	if (strlen(name) > DOMAIN_MAX || domain_canonical(name, strlen(name), again) || strcmp(name, again) != 0)
		abort();
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")])
		abort();
	if (!domain_is_below(name, name))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail_path path;
	domain_name name;
	char *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (!domain_canonical(copy, size, name))
		domain_check(name);
	else if (*name)
		abort();
	if (!mail_path_parse(copy, size, &path)) {
		if (!path.null &&
		    (path.local.at < copy || path.local.at + path.local.len > copy + size || !path.local.len))
			abort();
		if (*path.domain)
			domain_check(path.domain);
	}
	free(copy);
	return 0;
}
