/*
 * Who receives a domain's mail, as its MX records say, and which provider that is. Pure. Internal to common/provider/.
 */
#ifndef LEUMUND_PROVIDER_EXCHANGE_H
#define LEUMUND_PROVIDER_EXCHANGE_H

#include <stdint.h>

#include "provider/provider.h"
#include "provider/table.h"

struct dns_answer;

struct exchange {
	enum provider_mail mail;
	domain_name host; /* with MX, ADDRESS; else "" */
	uint32_t ttl;	  /* seconds, as the DNS gave it */
};

/* `answer`: to the question for the domain's MX. */
void exchange_read(const struct provider_table *table, const char *domain, const struct dns_answer *answer,
		   struct exchange *out);

/* All of `out` but holds_s. */
void exchange_provider(const struct provider_table *table, const char *domain, const struct exchange *exchange,
		       struct provider *out);

/*
 * How the store keeps it: the host, "." for a domain that takes no mail, as RFC 7505 writes it, and "" for one without
 * MX. False: it is none of these. What is not known, and what does not exist, is not kept.
 */
const char *exchange_word(const struct exchange *exchange);
bool exchange_of_word(const char *domain, struct span word, struct exchange *out);

#endif
