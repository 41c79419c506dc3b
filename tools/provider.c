/*
 * `leumund provider`: which provider takes the mail of a domain, and by what that is told.
 */
#include <string.h>

#include "dns/shared.h"
#include "provider/provider.h"
#include "setup.h"
#include "system/clock.h"
#include "tool.h"

#define WAIT_MS 6000 /* a little more than all tries of the DNS take */

static const char *const by_names[] = {
	[PROVIDER_BY_NOTHING] = "nothing", [PROVIDER_BY_OWN_DOMAIN] = "own_domain",	[PROVIDER_BY_MX] = "mx",
	[PROVIDER_BY_DOMAIN] = "domain",   [PROVIDER_BY_ORGANISATION] = "organisation",
};

static const char *const mail_names[] = {
	[PROVIDER_MAIL_UNKNOWN] = "unknown",	 [PROVIDER_MAIL_MX] = "mx",
	[PROVIDER_MAIL_ADDRESS] = "address",	 [PROVIDER_MAIL_NULL] = "null_mx",
	[PROVIDER_MAIL_NO_DOMAIN] = "no_domain",
};

/* ---- one domain -------------------------------------------------------------------------------- */

static void provider_json(const char *domain, const struct provider *found)
{
	fputs("{\"domain\":", stdout);
	print_json(stdout, domain);
	fputs(",\"provider\":", stdout);
	print_json(stdout, found->name);
	fputs(",\"group\":", stdout);
	if (found->group)
		print_json(stdout, found->group);
	else
		fputs("null", stdout);
	printf(",\"by\":\"%s\",\"row\":", by_names[found->by]);
	print_json(stdout, found->row ? found->row : "");
	printf(",\"mail\":\"%s\",\"mx\":", mail_names[found->mail]);
	print_json(stdout, found->mx);
	printf(",\"ttl\":%u,\"holds\":%u}", found->ttl, found->holds_s);
}

static void by_show(const struct provider *found)
{
	switch (found->by) {
	case PROVIDER_BY_OWN_DOMAIN:
		printf(", by own_groups, whatever its MX is");
		break;
	case PROVIDER_BY_MX:
		printf(", by mx:%s", found->row);
		break;
	case PROVIDER_BY_DOMAIN:
		printf(", by the list of domains");
		break;
	case PROVIDER_BY_ORGANISATION:
		printf(", in no group: by the organisation of its host");
		break;
	case PROVIDER_BY_NOTHING:
		printf(", in no group");
		break;
	}
}

static void mail_show(const struct provider *found)
{
	switch (found->mail) {
	case PROVIDER_MAIL_UNKNOWN:
		if (found->by != PROVIDER_BY_OWN_DOMAIN)
			printf("; its MX is not known now");
		break;
	case PROVIDER_MAIL_MX:
		printf("; MX %s, TTL %u s", found->mx, found->ttl);
		break;
	case PROVIDER_MAIL_ADDRESS:
		printf("; no MX, its own address takes its mail, TTL %u s", found->ttl);
		break;
	case PROVIDER_MAIL_NULL:
		printf("; it takes no mail (null MX), TTL %u s", found->ttl);
		break;
	case PROVIDER_MAIL_NO_DOMAIN:
		printf("; there is no such domain, TTL %u s", found->ttl);
		break;
	}
}

static void provider_show(const char *domain, const struct provider *found)
{
	printf("%s: %s", domain, found->name);
	by_show(found);
	mail_show(found);
	putchar('\n');
}

/* ---- all of them ------------------------------------------------------------------------------- */

/* Of an address what stands behind the @. False after a complaint. */
static bool domain_read(const char *word, domain_name out)
{
	const char *at = strrchr(word, '@');
	const char *domain = at ? at + 1 : word;

	if (domain_canonical(domain, strlen(domain), out) == 0 && strchr(out, '.'))
		return true;
	fputs("leumund: '", stderr);
	print_safe(stderr, word);
	fputs("' is no domain and no address; write them as in hotmail.com\n", stderr);
	return false;
}

/* All questions go out before the first answer is waited for. */
static int providers_show(const struct call *call, struct providers *providers)
{
	int status = EX_OK;
	struct provider found;
	domain_name domain;

	for (int i = 0; i < call->count; i++) {
		if (!domain_read(call->words[i], domain))
			return EX_USAGE;
		provider_find(providers, NULL, domain, 0, &found);
	}
	if (call->json)
		fputs("{\"providers\":[", stdout);
	for (int i = 0; i < call->count && domain_read(call->words[i], domain); i++) {
		provider_find(providers, NULL, domain, clock_ticks_ms() + WAIT_MS, &found);
		if (call->json && i > 0)
			putchar(',');
		(call->json ? provider_json : provider_show)(domain, &found);
		if (found.mail == PROVIDER_MAIL_UNKNOWN && found.by != PROVIDER_BY_OWN_DOMAIN)
			status = EXIT_FINDING;
	}
	if (call->json)
		puts("]}");
	return status;
}

int command_provider(const struct call *call)
{
	struct provider_options options;
	struct dns_settings settings;
	struct providers *providers;
	struct setup setup;
	char error[256];
	int status = tool_setup(call, &setup);

	if (status != 0)
		return status;
	options = *setup.provider;
	options.lookup = true; /* who asks wants to know */
	settings = *setup.dns;
	if (call->dns)
		settings.servers = call->dns;
	providers = providers_open(&options, &settings, error, sizeof(error));
	if (providers)
		status = providers_show(call, providers);
	else
		complain("%s", error);
	if (!providers)
		status = call->dns ? EX_USAGE : EX_OSERR;
	providers_close(&providers);
	setup_free(&setup);
	return status;
}
