/*
 * From where mail leaves this server: section `egress` of conf.d, and the pool of addresses that a sender's mail uses.
 */
#ifndef LEUMUND_EGRESS_H
#define LEUMUND_EGRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "option/option.h"

#define EGRESS_ADDRESSES 64 /* of one pool */
#define EGRESS_POOLS 64
#define EGRESS_NAME_MAX 32 /* bytes of a pool's name */

struct egress_options {
	struct string_list addresses;
	const char *include; /* "" = none */
	struct string_list pools;
	struct string_list pool_of;
};

extern const struct section egress_section;

union inet_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* An IPv4 or IPv6 address without anything around it. */
bool inet_address_read(const char *from, union inet_address *out);

struct egress_pool {
	char name[EGRESS_NAME_MAX + 1]; /* "" is egress.addresses */
	const char *include;		/* of a domain whose SPF record names all of them; "" = none */
	size_t count;
	union inet_address at[EGRESS_ADDRESSES];
	char words[EGRESS_ADDRESSES][INET6_ADDRSTRLEN];
};

/* An address that other servers may see; the same one twice is one. NULL, or a sentence that says what is wrong. */
const char *egress_pool_add(struct egress_pool *pool, const char *address);

struct egress;

/* NULL and a sentence: of options that were loaded, when memory is short. Nothing of them is needed afterwards. */
struct egress *egress_new(const struct egress_options *options, char *error, size_t size);
void egress_free(struct egress **egress);

/*
 * The pool that mail of this account (case-blind; "" = unknown) and domain (comparable form; "" = none) leaves
 * from: by account first, then by domain, the most particular one; else egress.addresses, which may be empty.
 */
const struct egress_pool *egress_pool_of(const struct egress *egress, const char *account, const char *domain);

/* The number of addresses of its largest pool. */
size_t egress_widest(const struct egress *egress);

#endif
