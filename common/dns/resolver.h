/*
 * The way to the name servers: UDP, TCP for what was cut, several tries. All calls from one thread; nothing waits
 * but dns_resolver_wait(). Internal to common/dns/.
 *
 * Not by c-ares, though it was tried. 1.34 (Debian 13) refuses to ask for names with other octets than letters,
 * digits, hyphen, underscore, slash and asterisk, such as SPF's %{l} makes of local parts with "+" or "="; 1.18
 * (Debian 12) keeps one source port for all questions, which makes answers easier to forge. Measured with both.
 */
#ifndef LEUMUND_DNS_RESOLVER_H
#define LEUMUND_DNS_RESOLVER_H

#include "dns/name.h"

struct dns_resolver;

/* `wake` is an eventfd that ends dns_resolver_wait(). NULL and a sentence on failure. */
struct dns_resolver *dns_resolver_open(const struct dns_options *options, int wake, char *error, size_t size);

/* Each question under way fails first. */
void dns_resolver_close(struct dns_resolver **resolver);

/*
 * `fn` is called once, perhaps before this returns: with a message that has the question's id and question (nothing
 * else of it was looked at), or with NULL. It must not call the resolver. The key need not live on.
 */
typedef void dns_resolver_fn(void *arg, const uint8_t *message, size_t len);
void dns_resolver_send(struct dns_resolver *resolver, const struct dns_key *key, dns_resolver_fn *fn, void *arg);

/* Sleeps until something comes, a try has lasted too long or somebody wakes it; works off what there is. */
void dns_resolver_wait(struct dns_resolver *resolver);

#endif
