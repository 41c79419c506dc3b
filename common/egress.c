/*
 * From where mail leaves this server (egress.h).
 */
#include "egress.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address/address.h"
#include "cidr.h"

struct membership {
	bool is_domain;
	const char *who; /* an account in lower case, or a domain in comparable form */
	const struct egress_pool *pool;
};

struct egress {
	char *include; /* of the first pool: a reload takes the options away while the DNS is being asked */
	size_t pool_count;
	struct egress_pool *pools; /* the first is egress.addresses */
	size_t member_count;
	struct membership *members;
};

/* ---- addresses --------------------------------------------------------------------------------- */

bool inet_address_read(const char *from, union inet_address *out)
{
	memset(out, 0, sizeof(*out));
	out->any.sa_family = strchr(from, ':') ? AF_INET6 : AF_INET;
	if (out->any.sa_family == AF_INET6)
		return inet_pton(AF_INET6, from, &out->in6.sin6_addr) == 1;
	return inet_pton(AF_INET, from, &out->in.sin_addr) == 1;
}

/* Private addresses are allowed: where a router translates them, the admin writes what the world sees; tests do not. */
static const char *check_address(const char *value)
{
	union inet_address address;

	if (!inet_address_read(value, &address))
		return "write single IPv4 or IPv6 addresses, such as \"192.0.2.1\" or \"2001:db8::1\"";
	if (address_is_loopback(&address.any))
		return "no other server sees a loopback address: write the one that mail leaves from";
	if (address.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&address.in6.sin6_addr))
		return "write an IPv4-mapped address as IPv4";
	if (address.any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&address.in6.sin6_addr)
					      : address.in.sin_addr.s_addr == INADDR_ANY)
		return "0.0.0.0 and :: are no addresses that mail leaves from: name each one";
	return NULL;
}

const char *egress_pool_add(struct egress_pool *pool, const char *from)
{
	const char *wrong = check_address(from);
	union inet_address at;
	char words[INET6_ADDRSTRLEN];

	if (wrong)
		return wrong;
	inet_address_read(from, &at);
	inet_ntop(at.any.sa_family, at.any.sa_family == AF_INET6 ? (void *)&at.in6.sin6_addr : &at.in.sin_addr, words,
		  sizeof(words));
	for (size_t i = 0; i < pool->count; i++)
		if (!strcmp(pool->words[i], words))
			return NULL;
	if (pool->count == EGRESS_ADDRESSES)
		return "more than 64 addresses";
	pool->at[pool->count] = at;
	memcpy(pool->words[pool->count++], words, sizeof(words));
	return NULL;
}

/* ---- what an admin writes ---------------------------------------------------------------------- */

#define POOL_FORM "write NAME: ADDRESS ADDRESS ..., such as \"bulk: 192.0.2.9 2001:db8::9\""

/* The name in front of ": "; NULL when there is none. What stands behind it is at *rest. */
static const char *name_split(const char *value, char *name, size_t size, const char **rest)
{
	const size_t len = strcspn(value, ":");

	if (len == 0 || len >= size || value[len] != ':')
		return NULL;
	memcpy(name, value, len);
	name[len] = '\0';
	*rest = value + len + 1;
	*rest += strspn(*rest, " ");
	return name;
}

static bool pool_name_is_good(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0';
}

static const char *pool_read(const char *value, struct egress_pool *pool)
{
	char word[INET6_ADDRSTRLEN];
	const char *rest, *wrong;

	if (!name_split(value, pool->name, sizeof(pool->name), &rest) || !pool_name_is_good(pool->name) ||
	    *rest == '\0')
		return POOL_FORM;
	while (*rest != '\0') {
		const size_t len = strcspn(rest, " ");

		if (len >= sizeof(word))
			return POOL_FORM;
		memcpy(word, rest, len);
		word[len] = '\0';
		wrong = egress_pool_add(pool, word);
		if (wrong)
			return wrong;
		rest += len + strspn(rest + len, " ");
	}
	return NULL;
}

static const char *check_include(const char *value)
{
	domain_name name;

	if (value[0] == '\0' || (domain_canonical(value, strlen(value), name) == 0 && strchr(name, '.')))
		return NULL;
	return "write the name of a domain, such as spf.hoster.example";
}

static const char *check_pool(const char *value)
{
	struct egress_pool pool = { .count = 0 };

	return pool_read(value, &pool);
}

/* WHO: POOL. The account's or domain's name goes to `who`. */
static const char *member_read(const char *value, domain_name who, bool *is_domain, const char **pool)
{
	static const char form[] =
		"write ACCOUNT: POOL or @DOMAIN: POOL, such as \"cp1007: bulk\" or \"@shop.example: bulk\"";
	char name[DOMAIN_MAX + 2];

	if (!name_split(value, name, sizeof(name), pool) || !pool_name_is_good(*pool))
		return form;
	*is_domain = name[0] == '@';
	if (*is_domain)
		return domain_canonical(name + 1, strlen(name + 1), who) < 0 ? form : NULL;
	/* several, or a mailbox: no account is called so, and the line would never concern anybody */
	if (name[strcspn(name, " \t,@")] != '\0')
		return form;
	for (size_t i = 0; i <= strlen(name) && i <= DOMAIN_MAX; i++)
		who[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]);
	who[DOMAIN_MAX] = '\0';
	return NULL;
}

static const char *check_member(const char *value)
{
	domain_name who;
	const char *pool;
	bool is_domain;

	return member_read(value, who, &is_domain, &pool);
}

/* clang-format off */
#define OPTION_AT(member) offsetof(struct egress_options, member)

static const struct option rows[] = {
	{ OPTION_LIST, "addresses", "{}", 0, 0, NULL, check_address, OPTION_AT(addresses),
	  "The IPv4 and IPv6 addresses from which this server's mail may reach other servers, as they see them: \"192.0.2.1\", "
	  "\"2001:db8::1\"." },
	{ OPTION_STRING, "include", "\"\"", 0, 0, NULL, check_include, OPTION_AT(include),
	  "A domain of yours whose SPF record names these addresses: customers are then told to add include:DOMAIN instead of each address." },
	{ OPTION_LIST, "pools", "{}", 0, 0, NULL, check_pool, OPTION_AT(pools),
	  "Other addresses that only some mail leaves from, each list with a name: \"bulk: 192.0.2.9 2001:db8::9\"." },
	{ OPTION_LIST, "pool_of", "{}", 0, 0, NULL, check_member, OPTION_AT(pool_of),
	  "Whose mail leaves from such a pool instead, by account or by the sender's domain and what is below it: \"cp1007: bulk\", "
	  "\"@shop.example: bulk\"." },
	{ .name = NULL }
};
/* clang-format on */

/* ---- pools ------------------------------------------------------------------------------------- */

static const struct egress_pool *pool_find(const struct egress *egress, const char *name)
{
	for (size_t i = 1; i < egress->pool_count; i++)
		if (!strcmp(egress->pools[i].name, name))
			return &egress->pools[i];
	return NULL;
}

static bool pools_read(struct egress *egress, const struct egress_options *options, const char **option, char *error,
		       size_t size)
{
	struct egress_pool *pool = &egress->pools[egress->pool_count++];

	pool->include = egress->include;
	for (size_t i = 0; i < options->addresses.count; i++)
		(void)egress_pool_add(pool, options->addresses.at[i]);
	for (size_t i = 0; i < options->pools.count; i++) {
		pool = &egress->pools[egress->pool_count];
		(void)pool_read(options->pools.at[i], pool);
		pool->include = "";
		if (pool_find(egress, pool->name)) {
			*option = "pools";
			snprintf(error, size, "'%s' stands there twice: give each list a name of its own", pool->name);
			return false;
		}
		egress->pool_count++;
	}
	return true;
}

static bool members_read(struct egress *egress, const struct egress_options *options, const char **option, char *error,
			 size_t size)
{
	*option = "pool_of";
	for (size_t i = 0; i < options->pool_of.count; i++) {
		struct membership *member = &egress->members[egress->member_count];
		const char *name, *wrong;
		domain_name who;

		wrong = member_read(options->pool_of.at[i], who, &member->is_domain, &name);
		if (wrong) {
			snprintf(error, size, "%s", wrong);
			return false;
		}
		member->pool = pool_find(egress, name);
		if (!member->pool) {
			snprintf(error, size, "'%.200s': pools has no list of that name", options->pool_of.at[i]);
			return false;
		}
		member->who = strdup(who);
		if (!member->who) {
			snprintf(error, size, "out of memory");
			return false;
		}
		egress->member_count++;
	}
	return true;
}

static bool egress_fits(const struct egress_options *options, const char **option, char *error, size_t size)
{
	*option = options->pools.count > EGRESS_POOLS ? "pools" : "addresses";
	if (options->pools.count <= EGRESS_POOLS && options->addresses.count <= EGRESS_ADDRESSES)
		return true;
	snprintf(error, size, "more than %d pools, or %d addresses", EGRESS_POOLS, EGRESS_ADDRESSES);
	return false;
}

static struct egress *egress_make(const struct egress_options *options, const char **option, char *error, size_t size)
{
	struct egress *egress;

	if (!egress_fits(options, option, error, size))
		return NULL;
	snprintf(error, size, "out of memory");
	egress = calloc(1, sizeof(*egress));
	if (egress) {
		egress->include = strdup(options->include ? options->include : "");
		egress->pools = calloc(options->pools.count + 1, sizeof(*egress->pools));
		egress->members = calloc(options->pool_of.count + 1, sizeof(*egress->members));
	}
	if (egress && egress->include && egress->pools && egress->members &&
	    pools_read(egress, options, option, error, size) && members_read(egress, options, option, error, size))
		return egress;
	egress_free(&egress);
	return NULL;
}

struct egress *egress_new(const struct egress_options *options, char *error, size_t size)
{
	const char *option;

	return egress_make(options, &option, error, size);
}

void egress_free(struct egress **egress)
{
	if (!*egress)
		return;
	for (size_t i = 0; i < (*egress)->member_count; i++)
		free((char *)(uintptr_t)(*egress)->members[i].who);
	free((*egress)->members);
	free((*egress)->include);
	free((*egress)->pools);
	free(*egress);
	*egress = NULL;
}

const struct egress_pool *egress_pool_of(const struct egress *egress, const char *account, const char *domain)
{
	const struct membership *best = NULL;

	for (size_t i = 0; i < egress->member_count; i++) {
		const struct membership *member = &egress->members[i];

		if (!member->is_domain) {
			if (!strcasecmp(member->who, account))
				return member->pool;
		} else if (domain_is_below(domain, member->who) && (!best || strlen(member->who) > strlen(best->who))) {
			best = member;
		}
	}
	return best ? best->pool : &egress->pools[0];
}

size_t egress_widest(const struct egress *egress)
{
	size_t widest = 0;

	for (size_t i = 0; i < egress->pool_count; i++)
		if (egress->pools[i].count > widest)
			widest = egress->pools[i].count;
	return widest;
}

/* ---- section egress ---------------------------------------------------------------------------- */

/* section_check_fn */
static bool check_names(const void *values, const char **option, char *error, size_t size)
{
	struct egress *egress = egress_make(values, option, error, size);
	const bool good = egress != NULL;

	egress_free(&egress);
	return good;
}

const struct section egress_section = {
	.name = "egress",
	.summary = "From where mail leaves this server.",
	.options = rows,
	.size = sizeof(struct egress_options),
	.check = check_names,
};
