/*
 * The addresses from which this server may send mail: section `egress` of conf.d.
 */
#ifndef LEUMUND_EGRESS_H
#define LEUMUND_EGRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "option/option.h"

#define EGRESS_MAX 64 /* addresses */

extern const struct section egress_section;

struct egress_options {
	struct string_list addresses;
};

union inet_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* An IPv4 or IPv6 address without anything around it. */
bool inet_address_read(const char *from, union inet_address *out);

/* As an address that other servers may see: NULL, or a sentence that says what is wrong with it. */
option_check_fn egress_check;

#endif
