/*
 * Who receives a domain's mail, and which provider that is (exchange.h).
 */
#include "provider/exchange.h"

#include <stdio.h>
#include <string.h>

#include "dns/dns.h"
#include "org_domain.h"

/* ---- what the DNS says ------------------------------------------------------------------------- */

struct choice {
	unsigned preference;
	bool is_grouped; /* its host is a group's */
	domain_name host;
};

/*
 * Mail goes to the most preferred host while that answers (RFC 5321 5.1), so its provider is the one that counts us;
 * the others mostly just keep mail for it. Of equals, chosen by chance there, all servers must here choose the same.
 */
static bool is_better(const struct choice *choice, const struct choice *best)
{
	if (choice->preference != best->preference)
		return choice->preference < best->preference;
	if (choice->is_grouped != best->is_grouped)
		return choice->is_grouped;
	return strcmp(choice->host, best->host) < 0;
}

static bool records_choose(const struct provider_table *table, const struct dns_answer *answer, struct choice *best)
{
	bool found = false;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];
		struct choice choice = { .preference = record->mx.preference };

		/* the root among others, and what is no host's name: mail cannot go there */
		if (domain_canonical(record->mx.name, strlen(record->mx.name), choice.host) < 0)
			continue;
		choice.is_grouped = provider_table_host(table, choice.host) != NULL;
		if (!found || is_better(&choice, best))
			*best = choice;
		found = true;
	}
	return found;
}

void exchange_read(const struct provider_table *table, const char *domain, const struct dns_answer *answer,
		   struct exchange *out)
{
	struct choice best = { .preference = 0 };

	memset(out, 0, sizeof(*out));
	out->ttl = answer->ttl;
	if (answer->status == DNS_NO_NAME) {
		out->mail = PROVIDER_MAIL_NO_DOMAIN;
	} else if (answer->status == DNS_NO_DATA) {
		/* whether it has an address changes nothing: there is no other host that mail could go to */
		out->mail = PROVIDER_MAIL_ADDRESS;
		snprintf(out->host, sizeof(out->host), "%s", domain);
	} else if (answer->status == DNS_FOUND && answer->count == 1 && answer->records[0].mx.name[0] == '\0') {
		out->mail = PROVIDER_MAIL_NULL;
	} else if (answer->status == DNS_FOUND && records_choose(table, answer, &best)) {
		out->mail = PROVIDER_MAIL_MX;
		memcpy(out->host, best.host, sizeof(out->host));
	}
}

/* ---- which provider that is -------------------------------------------------------------------- */

/* The row that says it; NULL: none does. */
static const struct provider_member *member_find(const struct provider_table *table, const char *domain,
						 const struct exchange *exchange, enum provider_by *by)
{
	const struct provider_member *listed = provider_table_domain(table, domain), *host = NULL;

	*by = PROVIDER_BY_OWN_DOMAIN;
	if (listed && listed->is_own)
		return listed;
	*by = PROVIDER_BY_MX;
	if (exchange->host[0] != '\0')
		host = provider_table_host(table, exchange->host);
	if (host)
		return host;
	*by = PROVIDER_BY_DOMAIN;
	return exchange->mail == PROVIDER_MAIL_NULL ? NULL : listed;
}

void exchange_provider(const struct provider_table *table, const char *domain, const struct exchange *exchange,
		       struct provider *out)
{
	const bool has_host = exchange->host[0] != '\0';
	const struct provider_member *member;

	memset(out, 0, sizeof(*out));
	out->mail = exchange->mail;
	out->ttl = exchange->ttl;
	memcpy(out->mx, exchange->host, sizeof(out->mx));
	member = member_find(table, domain, exchange, &out->by);
	if (member) {
		out->group = member->group;
		out->row = member->name;
		snprintf(out->name, sizeof(out->name), "%s", member->group);
		return;
	}
	out->by = has_host ? PROVIDER_BY_ORGANISATION : PROVIDER_BY_NOTHING;
	/* a group's name has no dot, any other one must have */
	domain = has_host ? org_domain(exchange->host) : domain;
	snprintf(out->name, sizeof(out->name), "%s%s", domain, strchr(domain, '.') ? "" : ".");
}

/* ---- as the store keeps it --------------------------------------------------------------------- */

const char *exchange_word(const struct exchange *exchange)
{
	switch (exchange->mail) {
	case PROVIDER_MAIL_MX:
		return exchange->host;
	case PROVIDER_MAIL_ADDRESS:
		return "";
	case PROVIDER_MAIL_NULL:
		return ".";
	case PROVIDER_MAIL_UNKNOWN:
	case PROVIDER_MAIL_NO_DOMAIN:
		break;
	}
	return NULL;
}

bool exchange_of_word(const char *domain, struct span word, struct exchange *out)
{
	memset(out, 0, sizeof(*out));
	if (word.len == 0) {
		out->mail = PROVIDER_MAIL_ADDRESS;
		snprintf(out->host, sizeof(out->host), "%s", domain);
		return true;
	}
	if (span_is(word, ".")) {
		out->mail = PROVIDER_MAIL_NULL;
		return true;
	}
	out->mail = PROVIDER_MAIL_MX;
	return domain_canonical(word.at, word.len, out->host) == 0;
}
