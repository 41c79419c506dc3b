/*
 * The DNS of a process, as section `dns` of conf.d wants it: one for all configurations that ask the same servers, so
 * that milters share answers and a reload keeps them.
 */
#ifndef LEUMUND_DNS_SHARED_H
#define LEUMUND_DNS_SHARED_H

#include <stddef.h>

#include "option/option.h"

struct dns;

struct dns_settings {
	const char *servers; /* "" = the host's */
	int64_t cache;	     /* MB */
};

extern const struct section dns_section;

/* NULL and a sentence on failure. Give it back with dns_unshare(). */
struct dns *dns_share(const struct dns_settings *settings, char *error, size_t size);

/* Ends with the last that shares it; nobody's look-up is under way then. */
void dns_unshare(struct dns **dns);

#endif
