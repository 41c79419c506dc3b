/*
 * The organisational domain of a domain (org_domain.h), by libpsl.
 */
#include <libpsl.h>
#include <pthread.h>

#include "org_domain.h"

static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static const psl_ctx_t *suffixes;

/* The distribution's list where it is newer than the one built into the library. It stays for the process' life. */
static void suffixes_load(void)
{
	suffixes = psl_latest(NULL);
	if (!suffixes)
		suffixes = psl_builtin();
}

const char *org_domain(const char *domain)
{
	const char *found;

	pthread_once(&loaded, suffixes_load);
	found = suffixes ? psl_registrable_domain(suffixes, domain) : NULL;
	return found ? found : domain;
}
