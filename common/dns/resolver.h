/*
 * The way to the name servers: UDP, TCP for what was cut, several tries. From any thread; nothing waits but
 * dns_resolver_look(). Internal to common/dns/.
 *
 * Not by c-ares, though it was tried. 1.34 (Debian 13) refuses to ask for names with other octets than letters,
 * digits, hyphen, underscore, slash and asterisk, such as SPF's %{l} makes of local parts with "+" or "="; 1.18
 * (Debian 12) keeps one source port for all questions, which makes answers easier to forge. Measured with both.
 */
#ifndef LEUMUND_DNS_RESOLVER_H
#define LEUMUND_DNS_RESOLVER_H

#include <sys/epoll.h>

#include "dns/name.h"

struct dns_resolver;

/* `kick` is an eventfd that ends dns_resolver_wait() while it is readable. NULL and a sentence on failure. */
struct dns_resolver *dns_resolver_open(const struct dns_options *options, int kick, char *error, size_t size);

/* Each question under way fails, and each that is sent from now on. */
void dns_resolver_stop(struct dns_resolver *resolver);

/* After that, and when nobody else calls it any more. */
void dns_resolver_close(struct dns_resolver **resolver);

/*
 * `fn` is called once, perhaps before this returns: with a message that has the question's id and question (nothing
 * else of it was looked at), or with NULL. It must not call the resolver. The key need not live on. False: it was
 * called already.
 */
typedef void dns_resolver_fn(void *arg, const uint8_t *message, size_t len);
bool dns_resolver_send(struct dns_resolver *resolver, const struct dns_key *key, dns_resolver_fn *fn, void *arg);

/* What came, at the same time or at another; a thread may take what another one has taken. */
struct dns_resolver_events {
	struct epoll_event at[64];
	int count;
};

/* Sleeps until something comes, a try has lasted too long, the kick or `until_ms`. */
void dns_resolver_look(struct dns_resolver *resolver, struct dns_resolver_events *events, int64_t until_ms);

/* Works off what came, and tries that have lasted too long. */
void dns_resolver_take(struct dns_resolver *resolver, const struct dns_resolver_events *events);

/* Milliseconds until a try may have lasted too long, those of questions that are not even sent included. */
int dns_resolver_nap(struct dns_resolver *resolver);

/* An epoll that is readable when something has come. The resolver's. */
int dns_resolver_poll(const struct dns_resolver *resolver);

#endif
