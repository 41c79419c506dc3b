/*
 * libFuzzer: display_addresses(), the decoder of encoded-words behind it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"

static bool shown_check(void *arg, const char *domain)
{
	domain_name again;
	int *left = arg;

	if (!strchr(domain, '.') || domain_canonical(domain, strlen(domain), again) || strcmp(domain, again) != 0)
		abort();
	return --*left > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span display;
	int left = 100;
	char *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	display.at = copy;
	display.len = size;
	display_addresses(display, shown_check, &left);
	free(copy);
	return 0;
}
