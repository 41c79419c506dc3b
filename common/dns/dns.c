/*
 * DNS look-ups in the background (dns/dns.h): the callers' side, and what is done with answers. Whoever asks sends;
 * whose turn it is takes the answers (dns/turn.h).
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
#include "dns/turn.h"
#include "dns/wire.h"
#include "system/clock.h"

struct dns {
	pthread_t thread;
	int kick;
	struct dns_resolver *resolver;
	struct dns_turn turn;

	pthread_mutex_t lock; /* of all below */
	struct dns_cache *cache;
	struct dns_flights flights;
	struct dns_flight *unsent, *answered;
	struct dns_counts counts;
	unsigned busy; /* threads that work off answers: they send as well, before they look again */
	bool idle;     /* the thread sleeps until it is called: nothing was under way */
	bool stop;
};

/* ---- the callers ------------------------------------------------------------------------------- */

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
static bool flight_start(struct dns *dns, const struct dns_key *key, dns_done_fn *done, void *arg,
			 struct dns_flight **fresh)
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
	*fresh = flight;
	return true;
}

/* With the lock held. True: the caller has to send it. */
static bool flight_leave(struct dns *dns, struct dns_flight *flight)
{
	if (dns->busy == 0)
		return true;
	flight->follow = dns->unsent;
	dns->unsent = flight;
	return false;
}

/* With the lock held. True: the thread has to be called. */
static bool thread_is_idle(struct dns *dns)
{
	const bool idle = dns->idle;

	dns->idle = false;
	return idle;
}

/* Nobody is called from in here: the resolver is in the middle of something. */
static void flight_answered(void *arg, const uint8_t *message, size_t len)
{
	struct dns_flight *flight = arg;
	struct dns *dns = flight->dns;

	flight->answer =
		message ? dns_answer_read(message, len, &flight->key) : dns_answer_plain(flight->key.type, DNS_FAILED);
	flight->unanswered = !message;
	pthread_mutex_lock(&dns->lock);
	flight->follow = dns->answered;
	dns->answered = flight;
	pthread_mutex_unlock(&dns->lock);
}

/* False: it has failed, and others must be told. */
static bool flight_send(struct dns *dns, struct dns_flight *flight)
{
	return dns_resolver_send(dns->resolver, &flight->key, flight_answered, flight);
}

void dns_ask(struct dns *dns, enum dns_type type, const char *name, dns_done_fn *done, void *arg)
{
	const struct dns_answer *answer;
	struct dns_flight *fresh = NULL;
	struct dns_key key;
	bool send, call;

	if (!dns_key_make(&key, type, name)) {
		done(arg, dns_answer_plain(type, DNS_NO_NAME));
		return;
	}
	pthread_mutex_lock(&dns->lock);
	answer = cache_look(dns, &key);
	if (!answer && !flight_start(dns, &key, done, arg, &fresh))
		answer = dns_answer_plain(type, DNS_FAILED);
	send = fresh && flight_leave(dns, fresh);
	/* it looks after tries that last too long */
	call = fresh && thread_is_idle(dns);
	pthread_mutex_unlock(&dns->lock);
	/* What fails at once is left to the thread, too: `done` may ask again, and so on without end. */
	if (send && !flight_send(dns, fresh))
		call = true;
	if (fresh)
		dns_turn_asked(&dns->turn);
	if (call)
		dns_turn_call(&dns->turn);
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

/* ---- answers ----------------------------------------------------------------------------------- */

/* With the lock held. */
static void flight_note(struct dns *dns, struct dns_flight *flight)
{
	dns_flights_remove(&dns->flights, flight);
	dns_cache_put(dns->cache, &flight->key, flight->answer, clock_ticks_ms());
	if (flight->unanswered)
		dns->counts.unanswered++;
	else
		dns->counts.failed += flight->answer->status == DNS_FAILED;
}

static void flights_end(struct dns *dns)
{
	struct dns_flight *flights, *next;

	pthread_mutex_lock(&dns->lock);
	flights = dns->answered;
	dns->answered = NULL;
	for (struct dns_flight *flight = flights; flight; flight = flight->follow)
		flight_note(dns, flight);
	pthread_mutex_unlock(&dns->lock);
	for (; flights; flights = next) {
		next = flights->follow;
		dns_flight_end(flights);
	}
}

/* What was left meanwhile, by whoever was answered, too. False: nothing; the thread is not busy any more. */
static bool unsent_send(struct dns *dns)
{
	struct dns_flight *flight, *next;

	pthread_mutex_lock(&dns->lock);
	flight = dns->unsent;
	dns->unsent = NULL;
	const bool more = flight || dns->answered;
	if (!more)
		dns->busy--;
	pthread_mutex_unlock(&dns->lock);
	for (; flight; flight = next) {
		next = flight->follow;
		flight_send(dns, flight);
	}
	return more;
}

static void dns_work(struct dns *dns, int64_t until_ms)
{
	struct dns_resolver_events TEXT_BUFFER events;

	dns_resolver_look(dns->resolver, &events, until_ms);
	pthread_mutex_lock(&dns->lock);
	dns->busy++;
	pthread_mutex_unlock(&dns->lock);
	dns_resolver_take(dns->resolver, &events);
	do
		flights_end(dns);
	while (unsent_send(dns));
}

static bool dns_under_way(struct dns *dns)
{
	pthread_mutex_lock(&dns->lock);
	const bool any = dns->flights.count > 0;
	pthread_mutex_unlock(&dns->lock);
	return any;
}

bool dns_wait(struct dns *dns, struct dns_event *event, int64_t until_ms, dns_begin_fn *begin, void *arg)
{
	return dns_turn_wait(&dns->turn,
			     &(struct dns_turn_wait){ event, until_ms, begin, arg, dns_work, dns_under_way, dns });
}

void dns_event_set(struct dns *dns, struct dns_event *event)
{
	dns_turn_end(&dns->turn, event);
}

/* False: the thread shall end. */
static bool thread_rest(struct dns *dns)
{
	bool stop;

	pthread_mutex_lock(&dns->lock);
	stop = dns->stop;
	dns->idle = dns->flights.count == 0;
	const bool idle = dns->idle;
	pthread_mutex_unlock(&dns->lock);
	if (!stop)
		dns_turn_rest(&dns->turn, idle ? -1 : dns_resolver_nap(dns->resolver));
	return !stop;
}

static void *dns_main(void *arg)
{
	struct dns *dns = arg;

	while (thread_rest(dns))
		dns_work(dns, 0);
	dns_resolver_stop(dns->resolver);
	dns_work(dns, 0);
	return NULL;
}

/* ---- open and close ---------------------------------------------------------------------------- */

static void dns_free(struct dns **dns)
{
	if ((*dns)->resolver)
		dns_turn_close(&(*dns)->turn);
	dns_resolver_close(&(*dns)->resolver);
	dns_cache_free(&(*dns)->cache);
	dns_flights_free(&(*dns)->flights);
	if ((*dns)->kick >= 0)
		close((*dns)->kick);
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
	dns->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dns->kick < 0) {
		snprintf(error, size, "look-ups in the DNS: eventfd: %s; raise LimitNOFILE", strerror(errno));
		return false;
	}
	dns->cache = dns_cache_new(options->cache_bytes);
	if (!dns->cache || !dns_flights_init(&dns->flights, options->queries_max)) {
		snprintf(error, size, "look-ups in the DNS: no memory");
		return false;
	}
	dns->resolver = dns_resolver_open(options, dns->kick, error, size);
	if (!dns->resolver)
		return false;
	if (!dns_turn_open(&dns->turn, dns_resolver_poll(dns->resolver), dns->kick)) {
		snprintf(error, size, "look-ups in the DNS: epoll: %s; raise LimitNOFILE", strerror(errno));
		return false;
	}
	return true;
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
	dns_turn_call(&(*dns)->turn);
	pthread_join((*dns)->thread, NULL);
	dns_turn_empty(&(*dns)->turn);
	flights_end(*dns);
	dns_free(dns);
}
