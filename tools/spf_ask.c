/*
 * What the commands about SPF ask the DNS for (spf_ask.h).
 */
#include "spf_ask.h"

#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "dns/shared.h"
#include "tool.h"

/* A question beyond queries_max fails at once: an audit of many domains must stay below it. */
static const struct dns_options lookups = {
	.timeout_ms = 1500,
	.tries = 2,
	.cache_bytes = (size_t)8 << 20,
	.queries_max = 4000,
};

struct dns *spf_dns_open(const struct call *call, const struct dns_settings *settings, int *status)
{
	struct dns_options options = lookups;
	char error[256];
	struct dns *dns;

	options.servers = call->dns ? call->dns : settings ? settings->servers : NULL;
	dns = dns_open(&options, error, sizeof(error));
	if (dns)
		return dns;
	complain("%s", error);
	*status = call->dns ? EX_USAGE : EX_OSERR;
	return NULL;
}

/* ---- from where mail leaves -------------------------------------------------------------------- */

/* NULL, or what is wrong. `words` are good and point into `copy`. */
static const char *addresses_split(char *copy, const char *words[EGRESS_ADDRESSES], size_t *count)
{
	struct egress_pool pool = { .count = 0 };
	const char *wrong = NULL;
	char *word;

	for (*count = 0; !wrong && (word = strsep(&copy, ",")); (*count)++) {
		word += strspn(word, " ");
		wrong = *count < EGRESS_ADDRESSES ? egress_pool_add(&pool, word) : "more than 64 addresses";
		if (!wrong)
			words[*count] = word;
	}
	return wrong;
}

/* --egress, which stands for all pools. */
static struct egress *egress_of_list(const char *list, int *status)
{
	const char *words[EGRESS_ADDRESSES], *wrong;
	struct egress_options options = { .addresses = { .at = words }, .include = "" };
	struct egress *egress = NULL;
	char error[256] = "no memory", *copy = strdup(list);

	wrong = copy ? addresses_split(copy, words, &options.addresses.count) : error;
	if (wrong)
		complain("--egress: %s", wrong);
	else if (!(egress = egress_new(&options, error, sizeof(error))))
		complain("%s", error);
	free(copy);
	*status = wrong ? EX_USAGE : EX_OSERR;
	return egress;
}

struct egress *egress_find(const struct call *call, const struct egress_options *options, int *status)
{
	struct egress *egress;
	char error[512];

	if (call->egress)
		return egress_of_list(call->egress, status);
	*status = EX_CONFIG;
	if (options->addresses.count == 0) {
		complain("it is not known from which addresses mail leaves this server: write egress { addresses = "
			 "{\"192.0.2.1\", \"2001:db8::1\"} } into conf.d, or name them with --egress");
		return NULL;
	}
	egress = egress_new(options, error, sizeof(error));
	if (!egress)
		complain("%s", error);
	return egress;
}
