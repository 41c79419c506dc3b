/*
 * Finds out who receives domains' mail (finder.h). One lock. An entry is pinned while it stands in the queue or is
 * being asked for. The thread asks the store, which may make it wait, and begins the questions to the DNS; what comes
 * of them arrives on the thread of the DNS.
 *
 * What was known stays in force while it is asked for again: a message every hour must find the same provider, however
 * short the TTL of the domain is.
 *
 * Recipients' domains are chosen by whoever sends, perhaps by the million: so all is bounded, and what is new to the
 * store is counted by the hour.
 */
#include "provider/finder.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dns/dns.h"
#include "dns/shared.h"
#include "provider/cache.h"
#include "provider/kept.h"
#include "store/store.h"
#include "system/clock.h"

#define ENTRIES_MAX 10000
#define QUEUE_MAX 1000
#define UNDER_WAY_MAX 100 /* questions to the DNS, out of the 4,000 that all milters share */
#define AGAIN_S 60	  /* after a failure */
#define HOUR_MS 3600000
#define KEPT_AN_HOUR 500 /* by this process; a day of it is 12,000 entries, 2 MB of the store */

/* Providers do not move, whatever their TTLs say; a domain that is not there may come. */
static const struct {
	uint32_t least, most; /* seconds */
} holds[] = {
	[PROVIDER_MAIL_UNKNOWN] = { AGAIN_S, AGAIN_S }, [PROVIDER_MAIL_MX] = { 3600, 86400 },
	[PROVIDER_MAIL_ADDRESS] = { 3600, 86400 },	[PROVIDER_MAIL_NULL] = { 3600, 86400 },
	[PROVIDER_MAIL_NO_DOMAIN] = { 600, 3600 },
};

struct finder {
	pthread_mutex_t lock;
	pthread_cond_t work, found; /* for the thread; for those who wait */
	unsigned references;	    /* the thread, and the owner */
	bool closed;
	struct provider_table *table;
	struct dns *dns;

	struct store *store; /* NULL: not told yet, or resting */
	bool store_used;     /* by the thread, without the lock */
	bool resting;
	int64_t hour_ms; /* since when `kept` is counted */
	unsigned kept;

	struct cache_entry *head, **end; /* the queue */
	size_t queued;
	unsigned under_way;
	struct cache cache;
};

/* One question to the DNS. */
struct flight {
	struct finder *finder;
	struct cache_entry *entry;
};

/* ---- making and freeing ------------------------------------------------------------------------ */

static void finder_free(struct finder *finder)
{
	cache_free(&finder->cache);
	dns_unshare(&finder->dns);
	provider_table_free(&finder->table);
	pthread_cond_destroy(&finder->work);
	pthread_cond_destroy(&finder->found);
	pthread_mutex_destroy(&finder->lock);
	free(finder);
}

/* With the lock held, which it gives back. */
static void finder_release(struct finder *finder)
{
	const bool last = --finder->references == 0;

	pthread_mutex_unlock(&finder->lock);
	if (last)
		finder_free(finder);
}

static void *work(void *arg);

static bool thread_start(struct finder *finder)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	bool started;

	/* they are for the other threads */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &attributes, work, finder) == 0;
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t steady;

	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &steady);
	pthread_condattr_destroy(&steady);
}

struct finder *finder_open(struct provider_table *table, struct dns *dns)
{
	struct finder *finder = calloc(1, sizeof(*finder));

	if (!finder) {
		dns_unshare(&dns);
		provider_table_free(&table);
		return NULL;
	}
	pthread_mutex_init(&finder->lock, NULL);
	condition_init(&finder->work);
	condition_init(&finder->found);
	finder->table = table;
	finder->dns = dns;
	finder->end = &finder->head;
	cache_init(&finder->cache, ENTRIES_MAX);
	finder->references = dns ? 2 : 1;
	if (dns && !thread_start(finder)) {
		finder_free(finder);
		return NULL;
	}
	return finder;
}

void finder_close(struct finder **finder)
{
	if (!*finder)
		return;
	finder_rest(*finder);
	pthread_mutex_lock(&(*finder)->lock);
	(*finder)->closed = true;
	pthread_cond_signal(&(*finder)->work);
	finder_release(*finder);
	*finder = NULL;
}

const struct provider_table *finder_table(const struct finder *finder)
{
	return finder->table;
}

/* ---- entries, with the lock held --------------------------------------------------------------- */

static void entry_queue(struct finder *finder, struct cache_entry *entry)
{
	if (entry->pinned || finder->queued >= QUEUE_MAX)
		return;
	entry->pinned = true;
	entry->next = NULL;
	*finder->end = entry;
	finder->end = &entry->next;
	finder->queued++;
	pthread_cond_signal(&finder->work);
}

static struct cache_entry *entry_take(struct finder *finder)
{
	struct cache_entry *entry = finder->head;

	finder->head = entry->next;
	if (!finder->head)
		finder->end = &finder->head;
	finder->queued--;
	return entry;
}

static int64_t seconds_of(const struct exchange *exchange)
{
	const uint32_t least = holds[exchange->mail].least, most = holds[exchange->mail].most;

	return exchange->ttl < least ? least : exchange->ttl > most ? most : exchange->ttl;
}

/* Rather what was known before than nothing. */
static void entry_settle(struct finder *finder, struct cache_entry *entry, const struct exchange *exchange,
			 int64_t seconds)
{
	if (exchange->mail != PROVIDER_MAIL_UNKNOWN)
		entry->exchange = *exchange;
	entry->refresh_ms = clock_ticks_ms() + seconds * 1000;
	entry->pinned = false;
	pthread_cond_broadcast(&finder->found);
}

/* ---- the DNS ----------------------------------------------------------------------------------- */

static bool may_keep(struct finder *finder)
{
	const int64_t now_ms = clock_ticks_ms();

	if (!finder->store)
		return false;
	if (now_ms >= finder->hour_ms + HOUR_MS) {
		finder->hour_ms = now_ms;
		finder->kept = 0;
	}
	return finder->kept < KEPT_AN_HOUR;
}

/* dns_done_fn */
static void flight_ends(void *arg, const struct dns_answer *answer)
{
	struct flight *flight = arg;
	struct finder *finder = flight->finder;
	struct cache_entry *entry = flight->entry;
	struct exchange exchange;
	int64_t seconds;

	free(flight);
	exchange_read(finder->table, entry->domain, answer, &exchange);
	seconds = seconds_of(&exchange);
	pthread_mutex_lock(&finder->lock);
	if (exchange_word(&exchange) && may_keep(finder)) {
		finder->kept++;
		kept_post(finder->store, entry->domain, &exchange, seconds);
	}
	entry_settle(finder, entry, &exchange, seconds);
	finder->under_way--;
	pthread_cond_signal(&finder->work);
	pthread_mutex_unlock(&finder->lock);
}

/* With the lock held, which it gives back for the time of the question: the answer may come at once. */
static void entry_ask(struct finder *finder, struct cache_entry *entry)
{
	static const struct exchange unknown = { .mail = PROVIDER_MAIL_UNKNOWN };
	struct flight *flight = malloc(sizeof(*flight));

	if (!flight) {
		entry_settle(finder, entry, &unknown, AGAIN_S);
		return;
	}
	*flight = (struct flight){ finder, entry };
	finder->under_way++;
	pthread_mutex_unlock(&finder->lock);
	dns_ask(finder->dns, DNS_MX, entry->domain, flight_ends, flight);
	pthread_mutex_lock(&finder->lock);
}

/* ---- the thread, with the lock held ------------------------------------------------------------ */

/* Gives the lock back for as long as the store takes. */
static void entries_look(struct finder *finder, struct kept *kept, size_t count)
{
	struct store *store = finder->store;

	for (size_t i = 0; i < count; i++)
		kept[i].seconds = 0;
	if (!store)
		return;
	finder->store_used = true;
	pthread_mutex_unlock(&finder->lock);
	kept_look(store, kept, count);
	pthread_mutex_lock(&finder->lock);
	finder->store_used = false;
	if (finder->resting)
		pthread_cond_broadcast(&finder->found);
}

static void entries_work(struct finder *finder)
{
	struct cache_entry *entries[STORE_BATCH];
	struct kept kept[STORE_BATCH];
	size_t count = 0;

	while (count < STORE_BATCH && finder->head) {
		entries[count] = entry_take(finder);
		kept[count].domain = entries[count]->domain;
		count++;
	}
	entries_look(finder, kept, count);
	for (size_t i = 0; i < count; i++) {
		if (kept[i].seconds > 0)
			entry_settle(finder, entries[i], &kept[i].exchange, kept[i].seconds);
		else
			entry_ask(finder, entries[i]);
	}
}

static void *work(void *arg)
{
	struct finder *finder = arg;

	pthread_mutex_lock(&finder->lock);
	while (!finder->closed || finder->under_way > 0) {
		if (!finder->closed && finder->head && finder->under_way < UNDER_WAY_MAX)
			entries_work(finder);
		else
			pthread_cond_wait(&finder->work, &finder->lock);
	}
	finder_release(finder);
	return NULL;
}

/* ---- those who ask ----------------------------------------------------------------------------- */

/* With the lock held. NULL: no memory, or too many wait. */
static struct cache_entry *entry_want(struct finder *finder, struct store *store, const char *domain)
{
	struct cache_entry *entry = cache_find(&finder->cache, domain);

	if (!finder->store && !finder->resting)
		finder->store = store;
	/* what cannot be asked about now must not push out what is known */
	if (!entry && finder->queued < QUEUE_MAX)
		entry = cache_add(&finder->cache, domain);
	if (entry && clock_ticks_ms() >= entry->refresh_ms)
		entry_queue(finder, entry);
	return entry;
}

static void wait_until(struct finder *finder, int64_t until_ms)
{
	const int64_t left_ms = until_ms - clock_ticks_ms();
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += left_ms > 0 ? left_ms % 1000 * 1000000 : 0;
	end.tv_sec += left_ms > 0 ? left_ms / 1000 + end.tv_nsec / 1000000000 : 0;
	end.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&finder->found, &finder->lock, &end);
}

void finder_find(struct finder *finder, struct store *store, const char *domain, int64_t until_ms, struct exchange *out,
		 int64_t *holds_ms)
{
	struct cache_entry *entry;

	memset(out, 0, sizeof(*out));
	*holds_ms = 0;
	if (!finder->dns)
		return;
	pthread_mutex_lock(&finder->lock);
	entry = entry_want(finder, store, domain);
	/* what is not pinned may be gone after a wait: it is looked for again */
	while (entry && entry->pinned && entry->exchange.mail == PROVIDER_MAIL_UNKNOWN && clock_ticks_ms() < until_ms) {
		wait_until(finder, until_ms);
		entry = cache_find(&finder->cache, domain);
	}
	if (entry) {
		*out = entry->exchange;
		*holds_ms = entry->refresh_ms - clock_ticks_ms();
	}
	pthread_mutex_unlock(&finder->lock);
	if (*holds_ms < 0)
		*holds_ms = 0;
}

void finder_rest(struct finder *finder)
{
	pthread_mutex_lock(&finder->lock);
	finder->resting = true;
	finder->store = NULL;
	while (finder->store_used)
		pthread_cond_wait(&finder->found, &finder->lock);
	pthread_mutex_unlock(&finder->lock);
}
