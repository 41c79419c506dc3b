/*
 * Domain names as the DNS has them, as people write them, and as keys of tables. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_NAME_H
#define LEUMUND_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/dns.h"

#define DNS_WIRE_MAX 255	    /* with the root's empty label, RFC 1035 2.3.4 */
#define DNS_TEXT_SIZE (4 * 255 + 1) /* every octet as \DDD, and the NUL */

/* Labels with their lengths in front; the root's ends it. */
struct dns_name {
	uint8_t len; /* 0: no name */
	uint8_t wire[DNS_WIRE_MAX];
};

/* In small letters. `text` may hold the escapes of RFC 1035 5.1. False: such a name cannot exist. */
bool dns_name_parse(struct dns_name *name, const char *text);

/*
 * Reads a name, perhaps compressed (RFC 1035 4.1.4), from a message. The place behind it, or 0 where there is none.
 * Letters stay as they are.
 */
size_t dns_name_read(struct dns_name *name, const uint8_t *message, size_t len, size_t at);

/* Only the place behind it, or 0. */
size_t dns_name_skip(const uint8_t *message, size_t len, size_t at);

/* Case-blind. */
bool dns_name_same(const struct dns_name *a, const struct dns_name *b);

/* Without the dot at the end; returns the length. A dot or backslash in a label gets a backslash, what cannot be
 * printed becomes \DDD. */
size_t dns_name_text(const struct dns_name *name, char text[DNS_TEXT_SIZE]);

/* A question. */
struct dns_key {
	uint64_t hash;
	enum dns_type type;
	struct dns_name name;
};

/* False: a name that cannot exist. */
bool dns_key_make(struct dns_key *key, enum dns_type type, const char *text);

#endif
