/*
 * DNS messages, RFC 1035 4: questions written, answers read. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_WIRE_H
#define LEUMUND_DNS_WIRE_H

#include "dns/name.h"

#define DNS_QUERY_SIZE (12 + DNS_WIRE_MAX + 4 + 11)

/* What an answer over UDP may have, so that it is never cut into fragments (DNS flag day 2020). */
#define DNS_UDP_SIZE 1232

/* A question with recursion and EDNS; returns its length. */
size_t dns_query_write(uint8_t query[DNS_QUERY_SIZE], uint16_t id, const struct dns_key *key);

/*
 * The answer that a message, which nobody has looked at, holds for this question. Never NULL: what is no answer,
 * an answer to something else or too large is DNS_FAILED.
 */
const struct dns_answer *dns_answer_read(const uint8_t *message, size_t len, const struct dns_key *key);

#endif
