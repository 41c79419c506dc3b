/*
 * Networks of clients: 192.0.2.0/24, 2001:db8::/32, single addresses.
 */
#ifndef LEUMUND_CIDR_H
#define LEUMUND_CIDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct cidr {
	uint8_t address[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;        /* 0 to 128 */
};

/* 0, or -1 with a sentence in *why (static). Host bits must be zero, or the text is refused. */
int cidr_parse(const char *from, struct cidr *out, const char **why);

/* AF_INET, AF_INET6 (IPv4-mapped counts as IPv4); false for all other families. */
bool cidr_has(const struct cidr *net, const struct sockaddr *address);

/* 127.0.0.0/8, ::1 and mapped forms. */
bool address_is_loopback(const struct sockaddr *address);

#endif
