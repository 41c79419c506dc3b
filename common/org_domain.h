/*
 * The organisational domain of a domain, RFC 7489 3.2: what the public suffix list leaves of it.
 */
#ifndef LEUMUND_ORG_DOMAIN_H
#define LEUMUND_ORG_DOMAIN_H

/* `domain` in comparable form (address/address.h). A part of it, or all of it when it is one or is itself a public
 * suffix. */
const char *org_domain(const char *domain);

#endif
