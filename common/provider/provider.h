/*
 * Which provider takes a domain's mail: the group of hosts that blocks and counts us as one. Groups, each with domains
 * and with the hosts that receive for it, come from section `provider` of conf.d.
 *
 * A domain is where its most preferred MX is. Nobody waits for that: until it is known, the list of domains decides,
 * and the look-up begins behind, for the next message. It is kept in this process (10,000 domains) and in the store,
 * for all servers.
 */
#ifndef LEUMUND_PROVIDER_H
#define LEUMUND_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address/address.h"
#include "option/option.h"

struct dns_settings;
struct store;

#define PROVIDER_GROUP_MAX 32 /* bytes of a group's name */

struct provider_options {
	struct string_list groups;
	struct string_list own_groups; /* they win over `groups` */
	bool lookup;
};

extern const struct section provider_section;

enum provider_by {
	PROVIDER_BY_NOTHING,	  /* the MX is not known, or there is none */
	PROVIDER_BY_OWN_DOMAIN,	  /* an admin's own row names the domain; its MX is not asked for */
	PROVIDER_BY_MX,		  /* the host is a group's */
	PROVIDER_BY_DOMAIN,	  /* the domain is a group's, and its MX says nothing else */
	PROVIDER_BY_ORGANISATION, /* whose host it is */
};

/* What is known of how the domain takes mail. */
enum provider_mail {
	PROVIDER_MAIL_UNKNOWN,
	PROVIDER_MAIL_MX,
	PROVIDER_MAIL_ADDRESS,	 /* it has no MX: by its own address, if it has one, RFC 5321 5.1 */
	PROVIDER_MAIL_NULL,	 /* not at all, RFC 7505 */
	PROVIDER_MAIL_NO_DOMAIN, /* there is no such domain */
};

struct provider {
	const char *group; /* lives as long as `providers`; NULL: none */
	const char *row;   /* the name in conf.d that says so; lives as long, NULL: none */
	/*
	 * The group; else the organisational domain of the host that receives; else the domain itself. A group's name
	 * is 1 to 32 of a-z 0-9 - _, any other name has a dot: none can be taken for a group.
	 */
	char name[DOMAIN_MAX + 2];
	enum provider_by by;
	enum provider_mail mail;
	domain_name mx;	  /* with MX and ADDRESS; else "" */
	uint32_t ttl;	  /* of the MX, seconds, as the DNS gave it; 0: it comes from the store, or is not known */
	uint32_t holds_s; /* until it is asked for again */
};

struct providers;

/* NULL and a sentence: of options that were loaded, when memory or threads are short, or the DNS cannot be asked. The
 * options are not needed afterwards. */
struct providers *providers_open(const struct provider_options *options, const struct dns_settings *dns, char *error,
				 size_t size);

/* Never waits for what is being asked; it ends by itself. */
void providers_close(struct providers **providers);

/* The store is about to be closed: nothing of this uses it any more when it returns. */
void providers_rest(struct providers *providers);

/*
 * As far as it is known now, by a domain in comparable form (address/address.h). The store may be NULL: it is not asked
 * then. Until `until_ms` (clock_ticks_ms(); 0: not at all) it waits for the MX.
 */
void provider_find(struct providers *providers, struct store *store, const char *domain, int64_t until_ms,
		   struct provider *out);

/* The group alone, or NULL; never waits. */
const char *provider_of(struct providers *providers, struct store *store, const char *domain);

#endif
