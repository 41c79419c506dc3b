/*
 * The client's address in the forms that SPF needs. An IPv4-mapped IPv6 address counts as IPv4, RFC 7208 5.
 */
#ifndef LEUMUND_SPF_CLIENT_H
#define LEUMUND_SPF_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define SPF_REVERSE_NAME 80

struct spf_client {
	bool ipv6;
	uint8_t address[16];	       /* network order; IPv4 takes the first 4 */
	char pretty[INET6_ADDRSTRLEN]; /* %{c} */
	char dotted[64];	       /* %{i}: 192.0.2.1, or 32 nibbles between dots */
};

/* False for a family that is neither IPv4 nor IPv6. */
bool spf_client_read(struct spf_client *client, const struct sockaddr *address);

/* Is it in the network of this address (4 or 16 bytes, of the client's own family)? */
bool spf_client_in(const struct spf_client *client, const void *network, unsigned bits);

/* The name to ask for PTR records. */
void spf_client_reverse_name(const struct spf_client *client, char name[SPF_REVERSE_NAME]);

#endif
