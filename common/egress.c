/*
 * The addresses from which this server may send mail (egress.h).
 */
#include "egress.h"

#include <arpa/inet.h>
#include <string.h>

#include "cidr.h"

bool inet_address_read(const char *from, union inet_address *out)
{
	memset(out, 0, sizeof(*out));
	out->any.sa_family = strchr(from, ':') ? AF_INET6 : AF_INET;
	if (out->any.sa_family == AF_INET6)
		return inet_pton(AF_INET6, from, &out->in6.sin6_addr) == 1;
	return inet_pton(AF_INET, from, &out->in.sin_addr) == 1;
}

/* Private addresses are allowed: where a router translates them, the admin writes what the world sees; tests do not. */
const char *egress_check(const char *value)
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

/* clang-format off */
static const struct option rows[] = {
	{ OPTION_LIST, "addresses", "{}", 0, 0, NULL, egress_check, offsetof(struct egress_options, addresses),
	  "The IPv4 and IPv6 addresses from which this server's mail may reach other servers, as they see them: \"192.0.2.1\", "
	  "\"2001:db8::1\"." },
	{ .name = NULL }
};
/* clang-format on */

const struct section egress_section = {
	.name = "egress",
	.summary = "From where mail leaves this server.",
	.options = rows,
	.size = sizeof(struct egress_options),
};
