/*
 * DNS look-ups that nobody waits for (dns/dns.h): the callers' side, and the thread that asks.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/flight.h"
#include "dns/resolver.h"
#include "dns/wire.h"
#include "system/clock.h"

struct dns {
	pthread_t thread;
	int wake;
	struct dns_resolver *resolver; /* the thread's */
	struct dns_flight *answered;   /* the thread's */

	pthread_mutex_t lock; /* of all below */
	struct dns_cache *cache;
	struct dns_flights flights;
	struct dns_flight *unsent;
	struct dns_counts counts;
	bool woken, stop;
};

/* Set in the DNS thread: it need not wake itself. */
static _Thread_local const struct dns *own;

/* ---- the callers ------------------------------------------------------------------------------- */

/* With the lock held. True: dns_wake() is due once it is not: the thread would wake to wait for the lock. */
static bool wake_is_due(struct dns *dns)
{
	if (dns->woken || own == dns)
		return false;
	dns->woken = true;
	return true;
}

static void dns_wake(struct dns *dns)
{
	const uint64_t one = 1;

	(void)!write(dns->wake, &one, sizeof(one));
}

/* With the lock held. */
static const struct dns_answer *cache_look(struct dns *dns, const struct dns_key *key)
{
	const struct dns_answer *answer = dns_cache_get(dns->cache, key, clock_ticks_ms());

	dns->counts.hits += answer != NULL;
	return answer;
}

const struct dns_answer *dns_cached(struct dns *dns, enum dns_type type, const char *name)
{
	const struct dns_answer *answer;
	struct dns_key key;

	if (!dns_key_make(&key, type, name))
		return dns_answer_plain(type, DNS_NO_NAME);
	pthread_mutex_lock(&dns->lock);
	answer = cache_look(dns, &key);
	pthread_mutex_unlock(&dns->lock);
	return answer;
}

/* With the lock held. False: it cannot be asked. */
static bool flight_start(struct dns *dns, const struct dns_key *key, dns_done_fn *done, void *arg, bool *wake)
{
	bool is_new;
	struct dns_flight *flight = dns->stop ? NULL : dns_flights_join(&dns->flights, key, done, arg, &is_new);

	if (!flight) {
		dns->counts.failed++;
		return false;
	}
	if (!is_new) {
		dns->counts.joined++;
		return true;
	}
	dns->counts.asked++;
	flight->dns = dns;
	flight->follow = dns->unsent;
	dns->unsent = flight;
	*wake = wake_is_due(dns);
	return true;
}

void dns_ask(struct dns *dns, enum dns_type type, const char *name, dns_done_fn *done, void *arg)
{
	const struct dns_answer *answer;
	struct dns_key key;
	bool wake = false;

	if (!dns_key_make(&key, type, name)) {
		done(arg, dns_answer_plain(type, DNS_NO_NAME));
		return;
	}
	pthread_mutex_lock(&dns->lock);
	answer = cache_look(dns, &key);
	if (!answer && !flight_start(dns, &key, done, arg, &wake))
		answer = dns_answer_plain(type, DNS_FAILED);
	pthread_mutex_unlock(&dns->lock);
	if (wake)
		dns_wake(dns);
	if (answer)
		done(arg, answer);
	dns_unref(&answer);
}

struct dns_counts dns_counts(struct dns *dns)
{
	struct dns_counts counts;

	pthread_mutex_lock(&dns->lock);
	counts = dns->counts;
	counts.cache_entries = dns_cache_entries(dns->cache);
	counts.cache_bytes = dns_cache_bytes(dns->cache);
	counts.cache_bytes_max = dns_cache_bytes_max(dns->cache);
	pthread_mutex_unlock(&dns->lock);
	return counts;
}

/* ---- the thread -------------------------------------------------------------------------------- */

/* Nobody is called from in here: the resolver is in the middle of something. */
static void flight_answered(void *arg, const uint8_t *message, size_t len)
{
	struct dns_flight *flight = arg;

	flight->answer =
		message ? dns_answer_read(message, len, &flight->key) : dns_answer_plain(flight->key.type, DNS_FAILED);
	flight->unanswered = !message;
	flight->follow = flight->dns->answered;
	flight->dns->answered = flight;
}

static void flights_end(struct dns *dns)
{
	while (dns->answered) {
		struct dns_flight *flight = dns->answered;

		dns->answered = flight->follow;
		pthread_mutex_lock(&dns->lock);
		dns_flights_remove(&dns->flights, flight);
		dns_cache_put(dns->cache, &flight->key, flight->answer, clock_ticks_ms());
		if (flight->unanswered)
			dns->counts.unanswered++;
		else
			dns->counts.failed += flight->answer->status == DNS_FAILED;
		pthread_mutex_unlock(&dns->lock);
		dns_flight_end(flight);
	}
}

/* What others have left for the thread. False: it shall end. */
static bool unsent_take(struct dns *dns, struct dns_flight **unsent)
{
	bool more;

	pthread_mutex_lock(&dns->lock);
	*unsent = dns->unsent;
	dns->unsent = NULL;
	dns->woken = false;
	more = !dns->stop;
	pthread_mutex_unlock(&dns->lock);
	return more;
}

static void *dns_main(void *arg)
{
	struct dns *dns = arg;
	struct dns_flight *flight, *next;
	bool more;

	own = dns;
	do {
		more = unsent_take(dns, &flight);
		const bool idle = !flight;
		for (; flight; flight = next) {
			next = flight->follow;
			if (more)
				dns_resolver_send(dns->resolver, &flight->key, flight_answered, flight);
			else
				flight_answered(flight, NULL, 0);
		}
		/* whoever is answered may ask again */
		if (more && idle)
			dns_resolver_wait(dns->resolver);
		flights_end(dns);
	} while (more);
	dns_resolver_close(&dns->resolver);
	flights_end(dns);
	return NULL;
}

/* ---- open and close ---------------------------------------------------------------------------- */

static void dns_free(struct dns **dns)
{
	dns_resolver_close(&(*dns)->resolver);
	dns_cache_free(&(*dns)->cache);
	dns_flights_free(&(*dns)->flights);
	if ((*dns)->wake >= 0)
		close((*dns)->wake);
	pthread_mutex_destroy(&(*dns)->lock);
	free(*dns);
	*dns = NULL;
}

static bool thread_start(struct dns *dns, char *error, size_t size)
{
	sigset_t all, before;

	/* They are for the other threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	const int failed = pthread_create(&dns->thread, NULL, dns_main, dns);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		snprintf(error, size, "look-ups in the DNS: cannot start a thread: %s; raise TasksMax",
			 strerror(failed));
	return failed == 0;
}

static bool parts_make(struct dns *dns, const struct dns_options *options, char *error, size_t size)
{
	dns->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dns->wake < 0) {
		snprintf(error, size, "look-ups in the DNS: eventfd: %s; raise LimitNOFILE", strerror(errno));
		return false;
	}
	dns->cache = dns_cache_new(options->cache_bytes);
	if (!dns->cache || !dns_flights_init(&dns->flights, options->queries_max)) {
		snprintf(error, size, "look-ups in the DNS: no memory");
		return false;
	}
	dns->resolver = dns_resolver_open(options, dns->wake, error, size);
	return dns->resolver != NULL;
}

struct dns *dns_open(const struct dns_options *options, char *error, size_t size)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (!dns) {
		snprintf(error, size, "look-ups in the DNS: no memory");
		return NULL;
	}
	pthread_mutex_init(&dns->lock, NULL);
	if (!parts_make(dns, options, error, size) || !thread_start(dns, error, size))
		dns_free(&dns);
	return dns;
}

void dns_close(struct dns **dns)
{
	if (!*dns)
		return;
	pthread_mutex_lock(&(*dns)->lock);
	(*dns)->stop = true;
	pthread_mutex_unlock(&(*dns)->lock);
	dns_wake(*dns);
	pthread_join((*dns)->thread, NULL);
	dns_free(dns);
}
