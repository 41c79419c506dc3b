/*
 * Answers, counted by reference: one block of memory each. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_ANSWER_H
#define LEUMUND_DNS_ANSWER_H

#include "dns/dns.h"

/* An answer to be filled: its records, and `bytes` for what they point to. NULL: no memory. */
struct dns_answer *dns_answer_new(enum dns_type type, size_t count, size_t bytes, struct dns_record **records,
				  char **room);

/* One without records or a TTL, of no cost: never NULL, need not be given back. */
const struct dns_answer *dns_answer_plain(enum dns_type type, enum dns_status status);

/* A "no", or a failure, that is kept for a while. */
const struct dns_answer *dns_answer_no(enum dns_type type, enum dns_status status, uint32_t ttl);

/* What it takes of memory. */
size_t dns_answer_size(const struct dns_answer *answer);

#endif
