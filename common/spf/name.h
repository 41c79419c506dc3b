/*
 * Names of the DNS as SPF makes them: of senders, of records and of macros.
 */
#ifndef LEUMUND_SPF_NAME_H
#define LEUMUND_SPF_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "address/address.h"
#include "text.h"

/* Room for what a macro made: it may be too long to exist. */
typedef char spf_name[DOMAIN_MAX + 3];

/*
 * Can the DNS have it (RFC 1035 2.3.4)? Which bytes it consists of does not matter, except that they are ASCII
 * and, as dns/dns.h has a text of them, no backslash that would be an escape.
 */
bool spf_name_exists(const char *name);

/* RFC 7208 4.3: more than one label. */
bool spf_name_is_qualified(const char *name);

/* Without a dot at the end. What has to be cut off is the left side, by labels, RFC 7208 7.3. */
void spf_name_finish(const char *from, size_t len, spf_name name);

/*
 * The <domain> of a check, RFC 7208 4.3 and RFC 8616 4: U-labels become A-labels; what is written in ASCII keeps its
 * bytes. False for what is no domain: literals, empty and over-long labels, a single label.
 */
bool spf_name_of_domain(struct span from, spf_name name);

/* Is it `parent` or below it? Case-blind. */
bool spf_name_is_below(const char *name, const char *parent);

#endif
